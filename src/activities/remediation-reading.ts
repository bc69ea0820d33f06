/** The resource as it is at the provider now, judged by the versions that enforce now. */
import { createHash } from 'node:crypto';
import type { Providers } from '../cloud/provider.js';
import { describeError, TollgateError } from '../errors.js';
import { canonicalJson } from '../policy/canonical.js';
import { longestPeriodMs } from '../policy/compile.js';
import { DAY } from '../policy/durations.js';
import { evaluateResource } from '../policy/evaluate.js';
import { compileExceptions, findException } from '../policy/exception.js';
import type { Reading } from '../policy/gates.js';
import type { Json, Policy, Resource, ResourceKey } from '../policy/model.js';
import type { ExceptionRecord } from '../policy/records.js';
import type { CompiledCache, CompiledSet } from '../store/enforcing.js';
import { listLiveExceptionsTo } from '../store/live-exceptions.js';
import type { ActivityDeps } from './deps.js';

export interface Concern {
  readonly key: ResourceKey;
  readonly policyName: string;
  readonly ruleName: string;
}

export interface Judged {
  readonly reading: Reading;
  /** Null when gone or unreadable. */
  readonly resource: Resource | null;
  readonly policyEnforces: boolean;
  readonly pendingExceptionId: string | null;
}

export type ReadingDeps = Pick<ActivityDeps, 'pool' | 'providers' | 'now'> & { readonly policies: CompiledCache };

/** Reads and judges one resource. What cannot be read says so in the answer and does not throw; an unreachable database throws. */
export async function readAndJudge(deps: ReadingDeps, concern: Concern): Promise<Judged> {
  const enforcing = await deps.policies.load(deps.pool);
  const policy = enforcing.policies.find((versioned) => versioned.policy.name === concern.policyName)?.policy;
  const facts = { policyEnforces: policy !== undefined, pendingExceptionId: null };
  const found = await readResource(deps.providers, concern.key, policy);
  if ('reading' in found) return { ...found, ...facts, resource: null };
  const exceptions = await listLiveExceptionsTo(deps.pool, concern.policyName, concern.ruleName);
  const { resource } = found;
  return {
    resource,
    ...facts,
    reading: judge(deps, concern, enforcing, exceptions, resource),
    pendingExceptionId: pendingFor(concern, exceptions, resource, deps.now()),
  };
}

type Found = { readonly resource: Resource } | { readonly reading: Extract<Reading, { kind: 'gone' | 'unreadable' }> };

/** `policy` says over how many days metrics are asked for; without one none are. */
export async function readResource(providers: Providers, key: ResourceKey, policy?: Policy): Promise<Found> {
  try {
    const provider = providers.get(key.provider);
    const resource = await provider.find(key);
    if (resource === null || isGone(resource)) return { reading: { kind: 'gone' } };
    const periodMs = policy === undefined ? 0 : longestPeriodMs([policy]);
    if (periodMs === 0) return { resource };
    const [metrics] = await provider.metrics([key], Math.ceil(periodMs / DAY));
    return { resource: { ...resource, metrics: metrics ?? null } };
  } catch (error) {
    if (!(error instanceof TollgateError)) throw error;
    return { reading: { kind: 'unreadable', reason: `the provider cannot be read: ${describeError(error)}` } };
  }
}

/** Terminated and deleted resources stay listed for a while at some providers. */
export function isGone(resource: Resource): boolean {
  return resource.state === 'terminated' || resource.state === 'deleted';
}

function judge(
  deps: ReadingDeps,
  concern: Concern,
  enforcing: CompiledSet,
  exceptions: readonly ExceptionRecord[],
  resource: Resource,
): Reading {
  const provider = deps.providers.get(concern.key.provider);
  const verdicts = evaluateResource(enforcing.compiled, compileExceptions(exceptions), resource, deps.now(), {
    offers: (region) => provider.offers(region),
  });
  const own = verdicts.find((verdict) => verdict.policyName === concern.policyName && verdict.ruleName === concern.ruleName);
  return { kind: 'judged', verdict: own ?? null };
}

/** A pending request counts if it would match once approved: asked of the one matching function. */
function pendingFor(concern: Concern, exceptions: readonly ExceptionRecord[], resource: Resource, at: number): string | null {
  const approved = exceptions
    .filter((record) => record.status === 'pending')
    .map((record): ExceptionRecord => ({ ...record, status: 'approved', expiresAt: null }));
  return findException(compileExceptions(approved), { ...concern, resource, at })?.id ?? null;
}

/** A short text that changes when the resource does; costs and metrics move by themselves and are left out. `tags`: only by who it is and its tags. */
export function fingerprint(resource: Resource, concerns: 'all' | 'tags' = 'all'): string {
  const { type, name, state, tags, specs, attachedTo, namespace, managedBy } = resource;
  const chosen = concerns === 'tags' ? { type, tags, managedBy } : { type, name, state, tags, specs, attachedTo, namespace, managedBy };
  const facts: Json = JSON.parse(JSON.stringify(chosen));
  return createHash('sha256').update(canonicalJson(facts)).digest('hex').slice(0, 32);
}
