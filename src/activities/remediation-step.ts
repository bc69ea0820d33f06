/** One external effect of a remediation: through the ledger, once per business key, until the provider shows it. */
import { cancellationSignal } from '@temporalio/activity';
import type { CloudCommand, Provider } from '../cloud/provider.js';
import { describeError, type ErrorCode, TollgateError } from '../errors.js';
import { MINUTE } from '../policy/durations.js';
import type { ResourceKey } from '../policy/model.js';
import { completeEffect, type EffectOutcome, failEffect, findEffect, startEffect } from '../store/effects.js';
import { findPause } from '../store/pauses.js';
import { savedResource } from '../store/remediation-writes.js';
import { alive } from './alive.js';
import type { ActivityDeps } from './deps.js';
import { isRetryable } from './failure.js';
import { type Sight, seeEffect, settles } from './remediation-effect.js';
import { fingerprint, isGone } from './remediation-reading.js';

export type StepCommand =
  | { readonly kind: 'stop' | 'start' | 'terminate' | 'delete' | 'create-snapshot' }
  | { readonly kind: 'resize'; readonly instanceType: string }
  | { readonly kind: 'set-tags'; readonly tags: Readonly<Record<string, string>> }
  | { readonly kind: 'remove-tags'; readonly tagKeys: readonly string[] }
  | { readonly kind: 'restore-volume'; readonly snapshotId: string };

/** What must still hold right before the call. */
export interface Guard {
  readonly policyName: string;
  /** Of the resource when it was looked at; null where the act itself has changed it since. */
  readonly fingerprint: string | null;
  /** When it was looked at; null where that does not matter any more. */
  readonly lookedAt: number | null;
}

export interface StepInput {
  /** `<remediation id>/<step>`, made in the workflow. */
  readonly idempotencyKey: string;
  readonly remediationId: string;
  readonly step: string;
  readonly key: ResourceKey;
  readonly command: StepCommand;
  /** Null for what takes an effect back, which nothing may hold up. */
  readonly guard: Guard | null;
}

/** `unknown`: an answer got lost, so it may have happened; asking again with the same key tells. */
export type StepResult =
  | { readonly kind: 'done'; readonly changed: boolean; readonly made: { readonly [name: string]: string } }
  /** The provider has accepted it and does not show it yet: to be asked again. */
  | { readonly kind: 'pending'; readonly message: string }
  /** Enforcement is paused, or the resource is not the one that was looked at: nothing was called this time. */
  | { readonly kind: 'held'; readonly message: string; readonly unknown: boolean }
  | { readonly kind: 'failed'; readonly message: string; readonly retryable: boolean; readonly unknown: boolean };

export type ProbeInput = Pick<StepInput, 'idempotencyKey' | 'key' | 'command'>;

export interface ProbeResult {
  /** `absent`: it did not happen, or somebody has taken it back. */
  readonly kind: 'done' | 'pending' | 'absent' | 'unreadable';
  readonly message: string;
}

export interface StepDeps extends Pick<ActivityDeps, 'pool' | 'providers' | 'now'> {
  /** An attempt holds its worker's slot for so long while an effect does not show; the workflow waits the rest. */
  readonly settleWithinMs: number;
}

/** A look is as good as new for so long: a worker that was away meanwhile looks again. */
const LOOK_HOLDS_MS = 10 * MINUTE;

/**
 * Safe to repeat: the ledger names what is done, and the provider does a command once per token, so a worker that died between the call
 * and its ledger row asks again and gets the first outcome. A row that stays `started` is a call of unknown outcome.
 */
export async function performStep(deps: StepDeps, input: StepInput): Promise<StepResult> {
  return alive(async () => {
    try {
      return await perform(deps, input);
    } catch (error) {
      if (!(error instanceof TollgateError)) throw error;
      return failure(error, (await findEffect(deps.pool, input.idempotencyKey))?.status === 'started');
    }
  });
}

function failure(error: TollgateError, unknown: boolean): StepResult {
  // What is gone is not refused: the next look finds it gone.
  const retryable = isRetryable(error.code) || error.code === 'not-found';
  return { kind: 'failed', message: describeError(error), retryable, unknown };
}

async function perform(deps: StepDeps, input: StepInput): Promise<StepResult> {
  const { idempotencyKey, key } = input;
  const provider = deps.providers.get(key.provider);
  const known = await findEffect(deps.pool, idempotencyKey);
  const unknown = known?.status === 'started';
  let outcome = known?.status === 'done' ? known.outcome : null;
  if (outcome === null) {
    const command = await toCommand(deps, input);
    const held = await heldBecause(deps, provider, input, unknown);
    if (held !== null) return { kind: 'held', message: held, unknown };
    await startEffect(deps.pool, { ...input, provider: provider.name, resourceId: key.id, command, at: deps.now() });
    outcome = await call(deps, provider, input, command, unknown);
  }
  if (await settles(provider, input, outcome, deps.settleWithinMs)) return { kind: 'done', ...outcome };
  return { kind: 'pending', message: `\`${input.command.kind}\` of \`${key.id}\` shows no effect yet` };
}

/** After these nobody knows whether it happened; after the busy ones an earlier call still may have. */
const LOST: readonly ErrorCode[] = ['provider-unreachable', 'unavailable', 'internal'];
const BUSY: readonly ErrorCode[] = ['throttled', 'rate-limited'];

/** `unknown`: an earlier call may have done it. */
async function call(deps: StepDeps, provider: Provider, input: StepInput, command: CloudCommand, unknown: boolean): Promise<EffectOutcome> {
  const { idempotencyKey } = input;
  try {
    const { changed, made } = await provider.execute(command, { idempotencyToken: idempotencyKey, signal: cancellationSignal() });
    return await complete(deps, idempotencyKey, { changed, made });
  } catch (error) {
    if (!(error instanceof TollgateError) || LOST.includes(error.code) || (unknown && BUSY.includes(error.code))) throw error;
    // Refused because it is done already: a deletion that happened finds nothing to delete.
    if (unknown && (await seeOrNothing(provider, input)) !== 'absent') return complete(deps, idempotencyKey, { changed: true, made: {} });
    await failEffect(deps.pool, idempotencyKey, describeError(error), deps.now());
    throw error;
  }
}

/** Where the resource itself is gone there is no effect to see. */
async function seeOrNothing(provider: Provider, { key, command }: ProbeInput): Promise<Sight> {
  try {
    return await seeEffect(provider, key, command);
  } catch (error) {
    if (error instanceof TollgateError && error.code === 'not-found') return 'absent';
    throw error;
  }
}

async function complete(deps: StepDeps, idempotencyKey: string, outcome: EffectOutcome): Promise<EffectOutcome> {
  await completeEffect(deps.pool, idempotencyKey, outcome, deps.now());
  return outcome;
}

async function toCommand(deps: StepDeps, { key, command, remediationId }: StepInput): Promise<CloudCommand> {
  switch (command.kind) {
    case 'resize':
    case 'set-tags':
    case 'remove-tags':
      return { ...command, key };
    case 'restore-volume': {
      const saved = await savedResource(deps.pool, remediationId);
      if (saved === null) throw new TollgateError('provider-refused', 'nothing was saved to restore it from');
      return { ...command, key, saved };
    }
    case 'create-snapshot':
      return { kind: command.kind, key, name: `before ${remediationId}` };
    case 'stop':
    case 'start':
    case 'terminate':
    case 'delete':
      return { kind: command.kind, key };
    default:
      return command satisfies never;
  }
}

/** `unknown`: it may have happened, so the resource may be another by our own doing, and only a pause holds it up. */
async function heldBecause(deps: StepDeps, provider: Provider, input: StepInput, unknown: boolean): Promise<string | null> {
  const { guard, key, command } = input;
  if (guard === null) return null;
  const pause = await findPause(deps.pool, { policyName: guard.policyName, account: key.account });
  if (pause !== undefined) return `enforcement is paused for \`${pause.scope}\``;
  if (unknown) return null;
  if (guard.lookedAt !== null && deps.now() - guard.lookedAt > LOOK_HOLDS_MS) return 'too much time has passed since it was looked at';
  if (guard.fingerprint === null) return null;
  const resource = await provider.find(key);
  if (resource !== null && !isGone(resource) && fingerprint(resource, concernsOf(command)) === guard.fingerprint) return null;
  return 'the resource changed since it was looked at';
}

/** Whether an instance stops meanwhile is no matter to its tags. */
export function concernsOf(command: Pick<StepCommand, 'kind'>): 'all' | 'tags' {
  return command.kind === 'set-tags' ? 'tags' : 'all';
}

/** Finds out what became of a call of unknown outcome. Changes nothing at the provider. */
export async function probeStep(deps: StepDeps, input: ProbeInput): Promise<ProbeResult> {
  const { idempotencyKey, key, command } = input;
  return alive(async () => {
    try {
      const sight = await seeOrNothing(deps.providers.get(key.provider), input);
      if (sight === 'shown') await complete(deps, idempotencyKey, { changed: true, made: {} });
      if (sight === 'absent') await failEffect(deps.pool, idempotencyKey, 'it shows no effect', deps.now());
      const kind = sight === 'shown' ? 'done' : sight === 'coming' ? 'pending' : 'absent';
      return { kind, message: `\`${command.kind}\` of \`${key.id}\`: ${kind}` };
    } catch (error) {
      if (!(error instanceof TollgateError)) throw error;
      return { kind: 'unreadable', message: describeError(error) };
    }
  });
}
