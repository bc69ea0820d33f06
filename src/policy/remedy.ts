/** What a scan recommends for a violation: the action, what it needs, and what it would save. */
import type { CompiledRule } from './compile.js';
import type { Action, Decimal, Resource } from './model.js';
import { compare, monthlyFromHourly, roundMoney, subtract } from './money.js';
import type { Failed, Offer, Question } from './rules/check.js';
import type { ActionParameters } from './verdict.js';

export interface Remedy {
  readonly action: Action;
  readonly parameters: ActionParameters;
  readonly estimatedMonthlySavings: Decimal | null;
}

/** Kinds that are deleted, never terminated: `terminate` of a volume is `delete`. */
const DELETED_FAMILY = /^(storage|network)\//;

/** What the rule says, else the strongest that a failed check asks for; checks of one rule ask for one kind of act besides `notify`. */
function wantedAction(rule: CompiledRule, resource: Resource, failed: readonly Failed[]): Action {
  const action = rule.remediation.action ?? failed.find((check) => check.action !== 'notify')?.action ?? 'notify';
  return action === 'terminate' && DELETED_FAMILY.test(resource.type) ? 'delete' : action;
}

interface Target {
  readonly instanceType: string;
  readonly hourly: Decimal | null;
}

function resizeTarget(rule: CompiledRule, resource: Resource, question: Question): Target | undefined {
  const named = rule.remediation.parameters.instanceType;
  if (named === undefined) return rule.resizeTarget?.(resource, question);
  const offer: Offer | undefined = question.offers(resource.region).find((candidate) => candidate.instanceType === named);
  return { instanceType: named, hourly: offer?.hourly ?? null };
}

/** Unknown stays unknown, and a change that costs more saves nothing known. */
function saved(before: Decimal | null, after: Decimal | null): Decimal | null {
  if (before === null || after === null || compare(before, after) < 0) return null;
  return monthlyFromHourly(subtract(before, after));
}

/** Resize: the cost difference; stop: the hourly cost × 730; delete and terminate: the monthly cost. */
function savings(action: Action, resource: Resource, target: Target | undefined): Decimal | null {
  const { hourly, monthly } = resource.cost;
  switch (action) {
    case 'resize':
      return saved(hourly, target?.hourly ?? null);
    case 'stop':
      return hourly === null ? null : monthlyFromHourly(hourly);
    case 'delete':
    case 'terminate':
      return monthly === null ? null : roundMoney(monthly);
    case 'notify':
    case 'tag':
      return null;
    default:
      return action satisfies never;
  }
}

function parametersOf(action: Action, rule: CompiledRule, failed: readonly Failed[], target: Target | undefined): ActionParameters {
  const { actOnManaged, tags } = rule.remediation.parameters;
  return {
    ...(actOnManaged === undefined ? {} : { actOnManaged }),
    ...(action === 'resize' && target !== undefined ? { targetType: target.instanceType } : {}),
    ...(action === 'tag' ? { tags: tags ?? {}, missingTags: failed.flatMap(({ missingTag }) => missingTag ?? []) } : {}),
  };
}

/** A resize that has no size to go to is a notice: nobody guesses a size. */
export function recommend(rule: CompiledRule, resource: Resource, failed: readonly Failed[], question: Question): Remedy {
  const wanted = wantedAction(rule, resource, failed);
  const target = wanted === 'resize' ? resizeTarget(rule, resource, question) : undefined;
  const action = wanted === 'resize' && target === undefined ? 'notify' : wanted;
  return {
    action,
    parameters: parametersOf(action, rule, failed, target),
    estimatedMonthlySavings: savings(action, resource, target),
  };
}
