/** What one rule says of one resource, at either point, three-valued (SPEC §3). Exceptions are not looked at here. */
import type { CompiledRule } from './compile.js';
import { type Applies, isUnknownPath, matchAccount, matchNamespace, matchTags } from './match.js';
import type { Resource } from './model.js';
import { type Failed, type Question, whyNotKnown } from './rules/check.js';
import type { UnknownCheck } from './verdict.js';

export interface Judgement {
  readonly verdict: 'compliant' | 'violating' | 'not-applicable' | 'unknown' | 'error';
  /** In the order of their paths. Not empty exactly when violating. */
  readonly failed: readonly Failed[];
  /** In the order of their paths. Not empty when unknown or error, and beside failures that are only possible. */
  readonly unknowns: readonly UnknownCheck[];
}

const NOTHING = { failed: Object.freeze([]), unknowns: Object.freeze([]) } as const;
const COMPLIANT: Judgement = { verdict: 'compliant', ...NOTHING };
const NOT_APPLICABLE: Judgement = { verdict: 'not-applicable', ...NOTHING };

/** Whether the rule applies to a resource of a type that it concerns: namespace, tags and account, all that it gives. */
export function appliesTo(rule: CompiledRule, resource: Resource): Applies {
  const namespace = matchNamespace(rule.namespace, resource);
  if (namespace === 'no') return 'no';
  const tags = matchTags(rule.selectorTags, resource);
  if (tags === 'no') return 'no';
  const account = matchAccount(rule.account, resource);
  if (account === 'no') return 'no';
  return namespace === 'yes' && tags === 'yes' && account === 'yes' ? 'yes' : 'unknown';
}

/** What would have to be known to say whether the rule applies, in the order of paths. */
export function whyUnknown(rule: CompiledRule, resource: Resource): readonly UnknownCheck[] {
  const tags = rule.selectorTags.map(({ path }) => path).filter((path) => isUnknownPath(resource, path));
  const namespace = matchNamespace(rule.namespace, resource) === 'unknown' ? ['namespace'] : [];
  const account = matchAccount(rule.account, resource) === 'unknown' ? ['account'] : [];
  return [...account, ...namespace, ...tags.sort()].map((path) => ({ path, reason: whyNotKnown(resource, path) }));
}

/** Sorts where that is needed: most are found in the order of their paths. */
function inOrder<T>(found: T[], pathOf: (part: T) => string): readonly T[] {
  for (let index = 1; index < found.length; index++) {
    if (pathOf(found[index - 1] as T) > pathOf(found[index] as T))
      return found.sort((a, b) => (pathOf(a) < pathOf(b) ? -1 : Number(pathOf(a) > pathOf(b))));
  }
  return found;
}

function pathOfFailed({ check }: Failed): string {
  return check.path;
}

function pathOfUnknown({ path }: UnknownCheck): string {
  return path;
}

/** Judges without catching: a rule that could not be compiled throws its error. */
function judgeChecks(rule: CompiledRule, resource: Resource, question: Question): Judgement {
  const applies = appliesTo(rule, resource);
  if (applies === 'no') return NOT_APPLICABLE;

  let passed = false;
  let failed: Failed[] | undefined;
  let unknowns: UnknownCheck[] | undefined;
  for (const check of rule.checks) {
    const result = check(resource, question);
    if (result === 'passed') passed = true;
    else if (result === 'not-applicable') continue;
    else if (result.kind === 'failed') (failed ??= []).push(result);
    else (unknowns ??= []).push(result.check);
  }

  if (failed === undefined && unknowns === undefined) return passed ? COMPLIANT : NOT_APPLICABLE;
  if (applies === 'yes' && failed !== undefined) return violating(failed, unknowns);
  const why = applies === 'yes' ? [] : whyUnknown(rule, resource);
  return { verdict: 'unknown', failed: [], unknowns: inOrder([...why, ...(unknowns ?? [])], pathOfUnknown) };
}

function isSure({ possible }: Failed): boolean {
  return possible !== true;
}

/** What is unknown no longer matters beside a sure violation, and still does beside one that is only possible. */
function violating(failed: Failed[], unknowns: UnknownCheck[] | undefined): Judgement {
  const left = unknowns === undefined || failed.some(isSure) ? NOTHING.unknowns : inOrder(unknowns, pathOfUnknown);
  return { verdict: 'violating', failed: inOrder(failed, pathOfFailed), unknowns: left };
}

/** Judges `resource` against one rule. Never throws: what a rule throws is its `error`, for that rule alone, and counts as unknown. */
export function judge(rule: CompiledRule, resource: Resource, question: Question): Judgement {
  try {
    return judgeChecks(rule, resource, question);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { verdict: 'error', failed: [], unknowns: [{ path: '', reason }] };
  }
}
