/** Which tags a remediation writes, and which an undo takes back. Pure. */
import type { Instant } from './model.js';
import type { ActionParameters, FailedCheck } from './verdict.js';

export type Tags = Readonly<Record<string, string>>;

/**
 * The values that the policy gives, where the tag is missing or was found wrong, and the marks of SPEC §5.5. A value that is not given is
 * never invented, and a good value of somebody else's is never overwritten.
 */
export function tagsToWrite(current: Tags, parameters: ActionParameters, failed: readonly FailedCheck[], at: Instant): Tags {
  const wrong = new Set(failed.map((check) => check.path));
  const given = Object.entries(parameters.tags ?? {}).filter(([key]) => !Object.hasOwn(current, key) || wrong.has(`tags.${key}`));
  return {
    ...Object.fromEntries(given),
    'managed-by': 'cost-governance',
    'compliance-status': 'needs-review',
    'auto-tagged-at': new Date(at).toISOString(),
  };
}

export interface TagUndo {
  readonly set: Tags;
  readonly remove: readonly string[];
}

/** Takes back what was written: a tag that somebody changed since is left alone. */
export function tagUndo(before: Tags, written: Tags, current: Tags): TagUndo {
  const ours = Object.keys(written).filter((key) => current[key] === written[key]);
  return {
    set: Object.fromEntries(ours.flatMap((key) => (before[key] === undefined ? [] : [[key, before[key]]]))),
    remove: ours.filter((key) => before[key] === undefined),
  };
}
