/** `Orphan`: volumes, addresses and snapshots that nothing uses any more. */
import { DAY } from '../durations.js';
import type { OrphanRule } from '../model.js';
import { kindOf } from '../specs.js';
import { type Check, joinMessages, NOT_GIVEN, type RuleKind, unknown } from './check.js';

/** `unattachedDays: 7` means more than 7 × 24 h; exactly that long still passes. */
function compileCheck({ unattachedDays }: OrphanRule): Check {
  const notGiven = unknown('detached_at', NOT_GIVEN);
  return (resource, { at }) => {
    const { noun, attachable } = kindOf(resource.type);
    if (!attachable) return 'not-applicable';
    if (resource.attachedTo !== null) return 'passed';
    if (resource.detachedAt === null) return notGiven;
    const unattachedMs = at - resource.detachedAt;
    if (unattachedMs <= unattachedDays * DAY) return 'passed';
    const days = Math.floor(unattachedMs / DAY);
    const message = `${noun} has been unattached for ${days} ${days === 1 ? 'day' : 'days'}`;
    const observed = new Date(resource.detachedAt).toISOString();
    return { kind: 'failed', check: { path: 'detached_at', observed, limit: unattachedDays, message, fix: null }, action: 'delete' };
  };
}

export const orphan: RuleKind<'Orphan'> = {
  points: ['scan'],
  scanSeverity: 'medium',
  denial: null,
  compile: (rule) => ({ checks: [compileCheck(rule)], summarize: joinMessages }),
};
