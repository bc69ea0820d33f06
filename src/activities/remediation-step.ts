/** One external effect of a remediation: through the ledger, once per business key, until the provider shows it. */
import { cancellationSignal, sleep } from '@temporalio/activity';
import type { CloudCommand, Provider } from '../cloud/provider.js';
import { describeError, TollgateError } from '../errors.js';
import type { Resource, ResourceKey } from '../policy/model.js';
import { completeEffect, type EffectOutcome, failEffect, startEffect } from '../store/effects.js';
import { findPause } from '../store/pauses.js';
import { savedResource } from '../store/remediation-writes.js';
import { alive } from './alive.js';
import type { ActivityDeps } from './deps.js';
import { isRetryable } from './failure.js';
import { fingerprint, isGone } from './remediation-reading.js';

export type StepCommand =
  | { readonly kind: 'stop' | 'start' | 'terminate' | 'delete' | 'create-snapshot' }
  | { readonly kind: 'resize'; readonly instanceType: string }
  | { readonly kind: 'set-tags'; readonly tags: Readonly<Record<string, string>> }
  | { readonly kind: 'remove-tags'; readonly tagKeys: readonly string[] }
  | { readonly kind: 'restore-volume'; readonly snapshotId: string };

export interface StepInput {
  /** `<remediation id>/<step>`, made in the workflow. */
  readonly idempotencyKey: string;
  readonly remediationId: string;
  readonly step: string;
  readonly key: ResourceKey;
  readonly command: StepCommand;
  /** Looked at once more right before the call; null for what takes an effect back, which nothing may hold up. */
  readonly guard: { readonly policyName: string; readonly fingerprint: string | null } | null;
}

export type StepResult =
  | { readonly kind: 'done'; readonly changed: boolean; readonly made: { readonly [name: string]: string } }
  /** Enforcement is paused, or the resource is not the one that was looked at: nothing was called. */
  | { readonly kind: 'held'; readonly message: string }
  /** `unknown`: the answer got lost, so it may have happened; asking again with the same key tells. */
  | { readonly kind: 'failed'; readonly message: string; readonly retryable: boolean; readonly unknown: boolean };

type StepDeps = Pick<ActivityDeps, 'pool' | 'providers' | 'now'>;

/**
 * Safe to repeat: the ledger names what is done, and the provider does a command once per token, so a worker that died between the call
 * and its ledger row asks again and gets the first outcome.
 */
export async function performStep(deps: StepDeps, input: StepInput): Promise<StepResult> {
  return alive(async () => {
    try {
      return await perform(deps, input);
    } catch (error) {
      if (!(error instanceof TollgateError)) throw error;
      await failEffect(deps.pool, input.idempotencyKey, describeError(error), deps.now());
      // What is gone is not refused: the next look finds it gone.
      const retryable = isRetryable(error.code) || error.code === 'not-found';
      return { kind: 'failed', message: describeError(error), retryable, unknown: error.code === 'provider-unreachable' };
    }
  });
}

async function perform(deps: StepDeps, input: StepInput): Promise<StepResult> {
  const provider = deps.providers.get(input.key.provider);
  const command = await toCommand(deps, input);
  const held = await heldBecause(deps, provider, input);
  if (held !== null) return { kind: 'held', message: held };
  const effect = await startEffect(deps.pool, { ...input, provider: provider.name, resourceId: input.key.id, command, at: deps.now() });
  const outcome = effect.status === 'done' && effect.outcome !== null ? effect.outcome : await call(deps, provider, input, command);
  await settle(provider, input, outcome);
  return { kind: 'done', changed: outcome.changed, made: outcome.made };
}

async function call(deps: StepDeps, provider: Provider, input: StepInput, command: CloudCommand): Promise<EffectOutcome> {
  const { changed, made } = await provider.execute(command, { idempotencyToken: input.idempotencyKey, signal: cancellationSignal() });
  await completeEffect(deps.pool, input.idempotencyKey, { changed, made }, deps.now());
  return { changed, made };
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

async function heldBecause(deps: StepDeps, provider: Provider, { guard, key }: StepInput): Promise<string | null> {
  if (guard === null) return null;
  const pause = await findPause(deps.pool, { policyName: guard.policyName, account: key.account });
  if (pause !== undefined) return `enforcement is paused for \`${pause.scope}\``;
  if (guard.fingerprint === null) return null;
  const resource = await provider.find(key);
  return resource !== null && fingerprint(resource) === guard.fingerprint ? null : 'the resource changed since it was looked at';
}

/** How the provider shows that a command has taken effect; null where it does so at once. */
function settled(
  input: StepInput,
  outcome: EffectOutcome,
): { readonly key: ResourceKey; readonly when: (found: Resource | null) => boolean } | null {
  const { key, command } = input;
  switch (command.kind) {
    case 'stop':
      return { key, when: (found) => stateOf(found, key) === 'stopped' };
    case 'start':
      return { key, when: (found) => stateOf(found, key) === 'running' };
    case 'terminate':
    case 'delete':
      return { key, when: (found) => found === null || isGone(found) };
    case 'create-snapshot':
      return made(outcome.made['snapshotId'], { ...key, type: 'storage/snapshot' }, 'completed');
    case 'restore-volume':
      return made(outcome.made['resourceId'], key, 'available');
    case 'resize':
    case 'set-tags':
    case 'remove-tags':
      return null;
    default:
      return command satisfies never;
  }
}

function made(id: string | undefined, like: ResourceKey, state: string) {
  if (id === undefined) return null;
  const key = { ...like, id };
  return { key, when: (found: Resource | null) => stateOf(found, key) === state };
}

function stateOf(found: Resource | null, key: ResourceKey): string | null {
  if (found === null || isGone(found)) throw new TollgateError('not-found', `\`${key.id}\` is gone`);
  return found.state;
}

const SETTLE_FIRST_MS = 25;
const SETTLE_LONGEST_MS = 5_000;
const SETTLE_WITHIN_MS = 10 * 60_000;

/** Waits here rather than in the workflow, whose history would grow with every look. @throws provider-unreachable after ten minutes */
async function settle(provider: Provider, input: StepInput, outcome: EffectOutcome): Promise<void> {
  const expected = settled(input, outcome);
  if (expected === null) return;
  const until = Date.now() + SETTLE_WITHIN_MS;
  for (let wait = SETTLE_FIRST_MS; Date.now() < until; wait = Math.min(wait * 2, SETTLE_LONGEST_MS)) {
    if (expected.when(await findPatiently(provider, expected.key))) return;
    await sleep(wait);
  }
  throw new TollgateError('provider-unreachable', `\`${input.command.kind}\` of \`${input.key.id}\` took no effect within 10 minutes`);
}

/** A throttled or lost look says nothing about the effect: the next one will. */
async function findPatiently(provider: Provider, key: ResourceKey): Promise<Resource | null> {
  for (;;) {
    try {
      return await provider.find(key);
    } catch (error) {
      if (!(error instanceof TollgateError && isRetryable(error.code))) throw error;
      await sleep(SETTLE_LONGEST_MS / 10);
    }
  }
}
