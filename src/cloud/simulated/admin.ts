import { TollgateError } from '../../errors.js';
import type { Instant, Resource, ResourceKey } from '../../policy/model.js';
import type { Db } from '../../store/db.js';
import type { Catalog } from '../catalog/catalog.js';
import type { ChangeBody, CreateBody, FaultBody, SettingsBody } from './admin-bodies.js';
import { changeResource, createResource, removeResource } from './admin-resources.js';
import type { FaultKind } from './gate.js';

export interface Fault {
  readonly id: number;
  readonly kind: FaultKind;
  readonly api: string | null;
  readonly account: string | null;
  readonly region: string | null;
  readonly type: string | null;
  readonly resource_id: string | null;
  readonly message: string | null;
  readonly latency_ms: number;
  readonly remaining: number | null;
  readonly probability: number;
  readonly hits: number;
}

export type SimulatedSettings = Required<SettingsBody>;

/** One accepted command: what a test counts to see that something was done exactly once. */
export interface Call {
  readonly at: Instant;
  readonly account: string;
  readonly type: string;
  readonly resource_id: string;
  readonly kind: string;
  readonly token: string;
  readonly changed: boolean;
  readonly repeats: number;
}

/** What happens in the simulated cloud without Tollgate: breakdowns, limits, and engineers who make, fix and remove things. */
export interface SimulatedAdmin {
  listFaults(): Promise<readonly Fault[]>;
  setFault(body: FaultBody): Promise<Fault>;
  /** All of them, or one. */
  clearFaults(id?: number): Promise<number>;
  settings(): Promise<SimulatedSettings>;
  setSettings(body: SettingsBody): Promise<SimulatedSettings>;
  /** @throws conflict when it exists, or its id was used before */
  createResource(body: CreateBody): Promise<Resource>;
  /** @throws not-found */
  changeResource(key: Omit<ResourceKey, 'provider'>, body: ChangeBody): Promise<Resource>;
  /** At once and without a trace, as if it had been deleted long ago. @throws not-found */
  removeResource(key: Omit<ResourceKey, 'provider'>): Promise<void>;
  /** Accepted commands, oldest first; of one resource when `resourceId` is given. */
  listCalls(resourceId?: string): Promise<readonly Call[]>;
}

const FAULT_COLUMNS = 'id, kind, api, account, region, type, resource_id, message, latency_ms, remaining, probability, hits';
const SETTINGS = ['latency_ms', 'reads_burst', 'reads_per_second', 'writes_burst', 'writes_per_second'] as const;

async function insertFault(db: Db, body: FaultBody): Promise<Fault> {
  const result = await db.query<Fault>(
    `insert into simulated.faults (kind, api, account, region, type, resource_id, message, latency_ms, remaining, probability)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning ${FAULT_COLUMNS}`,
    [
      body.kind,
      body.api ?? null,
      body.account ?? null,
      body.region ?? null,
      body.type ?? null,
      body.resource_id ?? null,
      body.message ?? null,
      body.latency_ms,
      body.times ?? null,
      body.probability,
    ],
  );
  return only(result.rows);
}

function only<T>(rows: readonly T[]): T {
  const [row] = rows;
  if (row === undefined) throw new TollgateError('internal', 'the simulated cloud has no settings');
  return row;
}

/** Sets only what the body names; the column names are the schema's own, never the caller's. */
async function updateSettings(db: Db, body: SettingsBody): Promise<SimulatedSettings> {
  const assignments = SETTINGS.map((name, index) => `${name} = coalesce($${index + 1}, ${name})`);
  const result = await db.query<SimulatedSettings>(
    `update simulated.settings set ${assignments.join(', ')} returning ${SETTINGS.join(', ')}`,
    SETTINGS.map((name) => body[name] ?? null),
  );
  // Buckets filled under the old limits would let old bursts through.
  await db.query('delete from simulated.buckets');
  return only(result.rows);
}

/** @param db a pool or a transaction */
export function createSimulatedAdmin(db: Db, options: { readonly catalog: Catalog; readonly clock?: () => Instant }): SimulatedAdmin {
  const context = { db, catalog: options.catalog, clock: options.clock ?? Date.now };
  return {
    async listFaults() {
      return (await db.query<Fault>(`select ${FAULT_COLUMNS} from simulated.faults order by id`)).rows;
    },
    setFault: (body) => insertFault(db, body),
    async clearFaults(id) {
      return (await db.query('delete from simulated.faults where $1::bigint is null or id = $1', [id ?? null])).rowCount ?? 0;
    },
    async settings() {
      return only((await db.query<SimulatedSettings>(`select ${SETTINGS.join(', ')} from simulated.settings`)).rows);
    },
    setSettings: (body) => updateSettings(db, body),
    createResource: (body) => createResource(context, body),
    changeResource: (key, body) => changeResource(context, key, body),
    removeResource: (key) => removeResource(context, key),
    async listCalls(resourceId) {
      const result = await db.query<Call>(
        `select at, account, type, resource_id, kind, token, changed, repeats from simulated.calls
         where $1::text is null or resource_id = $1 order by seq`,
        [resourceId ?? null],
      );
      return result.rows;
    },
  };
}
