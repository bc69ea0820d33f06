import type { InstanceOffer, Provider } from '../cloud/provider.js';
import type { SimulatedAdmin } from '../cloud/simulated/admin.js';
import type * as simulatedBodies from '../cloud/simulated/admin-bodies.js';
import type { Lookup } from '../intake/intake.js';
import type { Directory } from '../policy/directory.js';
import type { Settings } from '../policy/settings.js';
import type { Db, Pool } from '../store/db.js';
import type { DecisionLog } from '../store/decision-log.js';
import type { Snapshot } from '../store/snapshot.js';
import type { LoggedDecision } from './decision-facts.js';
import type { Metrics } from './metrics.js';
import type { ReadOpaBody } from './opa-document.js';
import type { ReadDocument } from './prepare.js';
import type { OpenRequest } from './settle.js';
import type { TemporalAccess } from './temporal-access.js';

/** The structured log as the API uses it; a pino logger is one. */
export interface ApiLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface ApiLimits {
  /** Of one request's body. @default 2 MiB */
  readonly bodyBytes: number;
  /** How long a body may take to come; a bill that is imported may take as long as a request may. @default 5 minutes */
  readonly bodyMs: number;
  /** Of a bill that is imported, as it comes. @default 2 GiB */
  readonly importBytes: number;
  /** Requests of one principal in a minute, evaluations apart. @default 6,000 */
  readonly requestsPerMinute: number;
  /** Evaluations of one principal in a minute. @default 600,000 */
  readonly evaluationsPerMinute: number;
  /** Requests without a valid token or signature from one address in a minute. @default 300 */
  readonly refusalsPerMinute: number;
}

/** What the API is made from. The entry point builds it; tests pass a real database and a real Temporal. */
export interface AppDeps {
  readonly pool: Pool;
  readonly snapshot: Snapshot;
  /** Made by `createDecisionLog(pool, { alsoWrite: writeDecisionFacts, isPlain: isPlainDecision, settle })`. */
  readonly decisionLog: DecisionLog<LoggedDecision, OpenRequest>;
  readonly temporal: TemporalAccess;
  readonly settings: Settings;
  readonly directory: Directory;
  /** Estimate from the price list for what a request describes; unknown is null. */
  readonly price: Lookup['price'];
  /** Facts and list prices by the providers' own names, for the doors. */
  readonly lookup: Lookup;
  readonly readDocument: ReadDocument;
  readonly readOpaBody: ReadOpaBody;
  /** Sizes of a region, for fixes; always the same array for the same region. */
  readonly offers: (region: string | null) => readonly InstanceOffer[];
  /** With which HCP Terraform signs the requests of its run tasks; null where they are not configured. */
  readonly runTaskKey?: string | null;
  /** Names of the configured providers. */
  readonly providers: readonly Provider['name'][];
  /** Only where the simulated cloud is configured: its admin routes exist then. */
  readonly simulated?: { readonly admin: (db: Db) => SimulatedAdmin; readonly bodies: typeof simulatedBodies };
  readonly now: () => number;
  readonly log: ApiLog;
  /** Takes the line of each request, which holds nothing secret, so that it need not be searched for any. @default log */
  readonly requestLog?: Pick<ApiLog, 'info'>;
  /** `http://127.0.0.1:8233`, or null where there is no Temporal UI to link to. */
  readonly temporalUiUrl: string | null;
  readonly version: string;
  readonly limits?: Partial<ApiLimits>;
}

/** What handlers get: the dependencies, and what belongs to this app alone. */
export interface AppContext extends AppDeps {
  readonly metrics: Metrics;
}

/** What the gate itself needs: a worker has it too, for the plans of run tasks. */
export interface GateContext extends Pick<AppDeps, 'pool' | 'snapshot' | 'decisionLog' | 'offers' | 'temporal' | 'directory' | 'log'> {
  readonly metrics: Pick<Metrics, 'countDecision'>;
}
