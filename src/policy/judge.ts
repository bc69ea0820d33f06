/** What one rule says of one resource, at either point, three-valued (SPEC §3). Exceptions are not looked at here. */
import type { CompiledRule } from './compile.js';
import { isUnknownPath, matchNamespace, matchTags } from './match.js';
import type { Resource, UnknownCheck } from './model.js';
import { type Failed, KNOWN_AFTER_APPLY, NOT_GIVEN, type Question } from './rules/check.js';

export interface Judgement {
  readonly verdict: 'compliant' | 'violating' | 'not-applicable' | 'unknown' | 'error';
  /** In the order of their paths. Not empty exactly when violating. */
  readonly failed: readonly Failed[];
  /** In the order of their paths. Not empty exactly when unknown or error. */
  readonly unknowns: readonly UnknownCheck[];
}

const NOTHING = { failed: [], unknowns: [] } as const;
const COMPLIANT: Judgement = { verdict: 'compliant', ...NOTHING };
const NOT_APPLICABLE: Judgement = { verdict: 'not-applicable', ...NOTHING };

function unknownValue(resource: Resource, path: string): UnknownCheck {
  return { path, reason: isUnknownPath(resource, path) ? KNOWN_AFTER_APPLY : NOT_GIVEN };
}

/** What would have to be known to say whether the rule applies. */
function whyUnknown(rule: CompiledRule, resource: Resource): readonly UnknownCheck[] {
  const tags = rule.selectorTags.map(({ path }) => path).filter((path) => isUnknownPath(resource, path));
  const namespace = matchNamespace(rule.namespace, resource) === 'unknown' ? ['namespace'] : [];
  return [...namespace, ...tags].map((path) => unknownValue(resource, path));
}

function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  if (a.path === b.path) return 0;
  return a.path < b.path ? -1 : 1;
}

/** Judges without catching: a rule that could not be compiled throws its error. */
function judgeChecks(rule: CompiledRule, resource: Resource, question: Question): Judgement {
  const namespace = matchNamespace(rule.namespace, resource);
  if (namespace === 'no') return NOT_APPLICABLE;
  const tags = matchTags(rule.selectorTags, resource);
  if (tags === 'no') return NOT_APPLICABLE;

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
  const applies = namespace === 'yes' && tags === 'yes';
  if (applies && failed !== undefined)
    return { verdict: 'violating', failed: failed.sort((a, b) => byPath(a.check, b.check)), unknowns: [] };
  const why = applies ? [] : whyUnknown(rule, resource);
  return { verdict: 'unknown', failed: [], unknowns: [...why, ...(unknowns ?? [])].sort(byPath) };
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
