/** How a provider shows that a command has taken effect. */
import { sleep } from '@temporalio/activity';
import type { Provider } from '../cloud/provider.js';
import { TollgateError } from '../errors.js';
import type { Resource, ResourceKey } from '../policy/model.js';
import type { EffectOutcome } from '../store/effects.js';
import { isRetryable } from './failure.js';
import { isGone } from './remediation-reading.js';
import type { StepCommand } from './remediation-step.js';

/** `coming`: the provider has begun with it. */
export type Sight = 'shown' | 'coming' | 'absent';

interface Expected {
  readonly key: ResourceKey;
  readonly see: (found: Resource | null) => Sight;
}

/** Null where there is nothing to look at. */
function expectationOf(key: ResourceKey, command: StepCommand, made: EffectOutcome['made']): Expected | null {
  switch (command.kind) {
    case 'stop':
      return { key, see: (found) => inState(key, found, 'stopped', 'stopping') };
    case 'start':
      return { key, see: (found) => inState(key, found, 'running', 'pending') };
    case 'terminate':
    case 'delete':
      return { key, see: seeGone };
    case 'create-snapshot':
      return madeIn(made['snapshotId'], { ...key, type: 'storage/snapshot' }, 'completed', 'pending');
    case 'restore-volume':
      return madeIn(made['resourceId'], key, 'available', 'creating');
    case 'resize':
      return { key, see: (found) => seen(present(key, found).specs.instanceType === command.instanceType) };
    case 'set-tags':
      return { key, see: (found) => seen(Object.entries(command.tags).every(([name, value]) => present(key, found).tags[name] === value)) };
    case 'remove-tags':
      return { key, see: (found) => seen(command.tagKeys.every((name) => present(key, found).tags[name] === undefined)) };
    default:
      return command satisfies never;
  }
}

function madeIn(id: string | undefined, like: ResourceKey, state: string, before: string): Expected | null {
  if (id === undefined) return null;
  const key = { ...like, id };
  return { key, see: (found) => inState(key, found, state, before) };
}

function seen(holds: boolean): Sight {
  return holds ? 'shown' : 'absent';
}

function present(key: ResourceKey, found: Resource | null): Resource {
  if (found === null || isGone(found)) throw new TollgateError('not-found', `\`${key.id}\` is gone`);
  return found;
}

function inState(key: ResourceKey, found: Resource | null, state: string, before: string): Sight {
  const now = present(key, found).state;
  return now === state ? 'shown' : now === before ? 'coming' : 'absent';
}

const ON_THE_WAY_OUT: readonly (string | null)[] = ['shutting-down', 'deleting'];

function seeGone(found: Resource | null): Sight {
  if (found === null || isGone(found)) return 'shown';
  return ON_THE_WAY_OUT.includes(found.state) ? 'coming' : 'absent';
}

/** One look. @throws what the provider throws, and not-found where the resource itself is gone */
export async function seeEffect(provider: Provider, key: ResourceKey, command: StepCommand): Promise<Sight> {
  const expected = expectationOf(key, command, {});
  // What makes something new cannot be found by the resource it is made from.
  return expected === null ? 'absent' : expected.see(await provider.find(expected.key));
}

/** These are done when the provider has accepted them; whoever changes the same afterwards is right. */
const DONE_AT_ONCE: readonly StepCommand['kind'][] = ['resize', 'set-tags', 'remove-tags'];
const FIRST_WAIT_MS = 25;
const LONGEST_WAIT_MS = 2_000;

/** Looks for at most `withinMs` until an accepted command shows its effect; false when it does not by then. */
export async function settles(
  provider: Provider,
  { key, command }: { readonly key: ResourceKey; readonly command: StepCommand },
  outcome: EffectOutcome,
  withinMs: number,
): Promise<boolean> {
  const expected = DONE_AT_ONCE.includes(command.kind) ? null : expectationOf(key, command, outcome.made);
  if (expected === null) return true;
  const until = Date.now() + withinMs;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    const found = await findOrBusy(provider, expected.key);
    if (found !== 'busy' && expected.see(found) === 'shown') return true;
    if (Date.now() + wait > until) return false;
    await sleep(wait);
  }
}

/** A throttled or lost look says nothing about the effect: the next one will. */
async function findOrBusy(provider: Provider, key: ResourceKey): Promise<Resource | null | 'busy'> {
  try {
    return await provider.find(key);
  } catch (error) {
    if (error instanceof TollgateError && isRetryable(error.code)) return 'busy';
    throw error;
  }
}
