import { setTimeout as delay } from 'node:timers/promises';
import { TollgateError } from '../../errors.js';
import { type Pool, toTimestamp } from '../../store/db.js';

/** What a call is about; null where it is about no one resource, type, region or account. */
export interface CallTarget {
  readonly api: string;
  readonly writes: boolean;
  readonly account: string | null;
  readonly region: string | null;
  readonly type: string | null;
  readonly resourceId: string | null;
}

export const FAULT_KINDS = ['error', 'throttle', 'latency', 'unreachable', 'lost-answer'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

interface Limits {
  readonly latency_ms: number;
  readonly burst: number;
  readonly per_second: number;
}

interface FaultRow {
  readonly id: number;
  readonly kind: FaultKind;
  readonly message: string | null;
  readonly latency_ms: number;
}

export interface GateOptions {
  readonly pool: Pool;
  readonly clock: () => number;
  /** Waits for injected latency. @default a timer that the signal ends */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** What is left of a fault for after the call's work. */
export interface Admission {
  /** Throws when the answer of this call is to get lost although its work was done. */
  finish(): void;
}

export type Gate = (target: CallTarget, signal?: AbortSignal) => Promise<Admission>;

const wait = async (ms: number, signal?: AbortSignal): Promise<void> => {
  await delay(ms, undefined, signal === undefined ? {} : { signal });
};

function throwFault(fault: FaultRow): void {
  switch (fault.kind) {
    case 'error':
      throw new TollgateError('provider-refused', fault.message ?? 'injected fault: refused');
    case 'throttle':
      throw new TollgateError('throttled', fault.message ?? 'injected fault: rate exceeded');
    case 'unreachable':
      throw new TollgateError('provider-unreachable', fault.message ?? 'injected fault: no answer');
    case 'latency':
    case 'lost-answer':
      return;
    default:
      fault.kind satisfies never;
  }
}

/**
 * What every call passes before it does its work, in this order: latency, injected faults, then the rate limit of its account, region
 * and API. Limits and counts live in the database, so they hold for all processes together; a refused call spends nothing.
 */
export function createGate({ pool, clock, sleep = wait }: GateOptions): Gate {
  async function limitsFor(writes: boolean): Promise<Limits> {
    const result = await pool.query<Limits>(
      `select latency_ms, case when $1 then writes_burst else reads_burst end as burst,
        case when $1 then writes_per_second else reads_per_second end as per_second from simulated.settings`,
      [writes],
    );
    return result.rows[0] ?? { latency_ms: 0, burst: 1, per_second: 1 };
  }

  /** Uses up one of each fault that matches, and gives them in the order they were set. */
  async function takeFaults(target: CallTarget): Promise<readonly FaultRow[]> {
    const result = await pool.query<FaultRow>(
      `update simulated.faults set remaining = remaining - 1, hits = hits + 1
       where (remaining is null or remaining > 0) and (api is null or api = $1) and (account is null or account = $2)
         and (region is null or region = $3) and (type is null or type = $4) and (resource_id is null or resource_id = $5)
         and random() < probability
       returning id, kind, message, latency_ms`,
      [target.api, target.account, target.region, target.type, target.resourceId],
    );
    return result.rows.sort((a, b) => a.id - b.id);
  }

  async function takeToken(target: CallTarget, limits: Limits): Promise<void> {
    const result = await pool.query(
      `insert into simulated.buckets as bucket (account, region, api, tokens, refilled_at) values ($1, $2, $3, $4::double precision - 1, $6)
       on conflict (account, region, api) do update
         set tokens = least($4, bucket.tokens + $5 * greatest(0, extract(epoch from $6 - bucket.refilled_at)::double precision)) - 1,
           refilled_at = greatest(bucket.refilled_at, $6)
         where least($4, bucket.tokens + $5 * greatest(0, extract(epoch from $6 - bucket.refilled_at)::double precision)) >= 1
       returning 1`,
      [target.account ?? '', target.region ?? '', target.api, limits.burst, limits.per_second, toTimestamp(clock())],
    );
    if (result.rowCount === 0) {
      throw new TollgateError('throttled', `rate exceeded for \`${target.api}\` in account \`${target.account ?? 'all'}\``);
    }
  }

  return async (target, signal) => {
    signal?.throwIfAborted();
    const [limits, faults] = await Promise.all([limitsFor(target.writes), takeFaults(target)]);
    const latencyMs = faults.reduce((total, fault) => total + fault.latency_ms, limits.latency_ms);
    if (latencyMs > 0) await sleep(latencyMs, signal);
    for (const fault of faults) throwFault(fault);
    await takeToken(target, limits);
    const lost = faults.find((fault) => fault.kind === 'lost-answer');
    return {
      finish() {
        if (lost !== undefined) throw new TollgateError('provider-unreachable', lost.message ?? 'injected fault: the answer was lost');
      },
    };
  };
}
