/** The policy document as YAML has it. What is parsed, what editors check and what the core works with all come from here. */
import { z } from 'zod';
import type { Policy, RuleByType } from './model.js';
import { ACTIONS, ENFORCEMENTS, ON_UNKNOWNS, SEVERITIES } from './model.js';
import {
  amount,
  channel,
  date,
  duration,
  endOfDay,
  glob,
  list,
  name,
  pattern,
  perPoint,
  positive,
  service,
  text,
  timeOfDay,
  timezone,
  wholeNumber,
} from './schema-values.js';

export const API_VERSION = 'policy.oneuptime.com/v1';

const tags = z.record(z.string().min(1), z.string());
/** One glob or a list of them. */
const globs = z.union([glob.transform((one) => [one]), list(glob)]);

const remediation = z
  .strictObject({
    action: z.enum(ACTIONS).exactOptional(),
    grace: duration.exactOptional(),
    parameters: z
      .strictObject({ tags: tags.exactOptional(), instanceType: text.exactOptional(), actOnManaged: z.boolean().exactOptional() })
      .exactOptional(),
  })
  .transform(({ action, grace, parameters }) => ({ action: action ?? null, graceMs: grace ?? null, parameters: parameters ?? {} }));

/** What every rule may have, whatever its type. */
const base = {
  name,
  description: z.string().exactOptional(),
  severity: perPoint(SEVERITIES).exactOptional(),
  enforcement: perPoint(ENFORCEMENTS).exactOptional(),
  remediation: remediation.exactOptional(),
  resource: globs.exactOptional(),
  scope: globs.exactOptional(),
  selector: z.strictObject({ tags }).exactOptional(),
  onUnknown: z.enum(ON_UNKNOWNS).exactOptional(),
  exceptionApprovers: list(text).exactOptional(),
};

const constraint = z.strictObject({
  maxVCPUs: positive.exactOptional(),
  maxMemoryGB: positive.exactOptional(),
  allowedInstanceFamilies: list(text).exactOptional(),
  deniedInstanceFamilies: list(text).exactOptional(),
  maxSizeGB: positive.exactOptional(),
  allowedTypes: list(text).exactOptional(),
  deniedTypes: list(text).exactOptional(),
  maxStorageGB: positive.exactOptional(),
  maxIops: positive.exactOptional(),
  maxBandwidthMbps: positive.exactOptional(),
  maxMonthlyCost: amount.exactOptional(),
});

/** The words of a constraint, at least one of which a rule must give. */
export const CONSTRAINT_KEYS: readonly string[] = Object.keys(constraint.shape);

const requiredTag = z.strictObject({
  key: text,
  pattern: pattern.exactOptional(),
  allowedValues: list(z.string()).exactOptional(),
  minLength: wholeNumber.exactOptional(),
  maxLength: wholeNumber.exactOptional(),
  description: z.string().exactOptional(),
});

const alertThreshold = z.strictObject({
  percent: positive,
  of: z.enum(['actual', 'forecast']).default('actual'),
  action: z.enum(['notify', 'require-approval', 'block-new-resources']),
  channels: z.array(channel).default([]),
});

/** A budget also selects by what a bill says of everything. */
const budgetSelector = z
  .strictObject({ tags: tags.exactOptional(), account: text.exactOptional(), service: service.exactOptional() })
  .transform(({ tags: wanted, ...selector }) => ({ ...selector, tags: wanted ?? {} }));

const budget = z.strictObject({
  monthly: amount.exactOptional(),
  quarterly: amount.exactOptional(),
  yearly: amount.exactOptional(),
  alertThresholds: z.array(alertThreshold).default([]),
});

const when = z.strictObject({
  monthlyCostAbove: amount.exactOptional(),
  purchaseOption: text.exactOptional(),
  regionsOutside: list(text).exactOptional(),
  resource: globs.exactOptional(),
});

const runningWindow = z.strictObject({
  days: list(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])),
  from: timeOfDay,
  to: endOfDay,
});

const approvalRule = z
  .strictObject({ ...base, when, approvers: list(text), expiresAfter: duration.exactOptional() })
  .transform(({ expiresAfter, ...rule }) => (expiresAfter === undefined ? rule : { ...rule, expiresAfterMs: expiresAfter }));

const scheduleRule = z.strictObject({
  ...base,
  timezone,
  running: list(runningWindow),
  weekends: z.literal('off').exactOptional(),
  holidays: z.strictObject({ calendar: text.exactOptional(), dates: list(date).exactOptional() }).exactOptional(),
  action: z.literal('stop').default('stop'),
});

const utilizationRule = z
  .strictObject({
    ...base,
    period: duration.refine((ms) => ms > 0, { error: 'expected a period longer than nothing' }),
    avgCpuBelowPercent: positive.max(100).exactOptional(),
    avgNetworkBelowBytesPerDay: positive.exactOptional(),
  })
  .transform(({ period, ...rule }) => ({ ...rule, periodMs: period }));

function specOf<T extends keyof RuleByType, R extends z.ZodType<RuleByType[T]>>(type: T, rule: R) {
  return z.strictObject({ type: z.literal(type), rules: list(rule) });
}

const spec = z.discriminatedUnion('type', [
  specOf('ResourceLimit', z.strictObject({ ...base, constraint })),
  specOf('TagRequirement', z.strictObject({ ...base, requiredTags: list(requiredTag) })),
  specOf('BudgetLimit', z.strictObject({ ...base, selector: budgetSelector.exactOptional(), budget })),
  specOf('ApprovalRequirement', approvalRule),
  specOf('Schedule', scheduleRule),
  specOf('Utilization', utilizationRule),
  specOf('Orphan', z.strictObject({ ...base, unattachedDays: wholeNumber })),
]);

const metadata = z.strictObject({
  name,
  namespace: text.exactOptional(),
  description: z.string().exactOptional(),
  labels: z.record(z.string().min(1), z.string()).exactOptional(),
});

export const policySchema = z
  .strictObject({
    apiVersion: z.literal(API_VERSION, { error: `unknown apiVersion, the only known one is ${API_VERSION}` }),
    kind: z.literal('CostPolicy'),
    metadata,
    spec,
  })
  .transform((document): Policy => ({ ...document.metadata, ...document.spec }));

/** For editors, draft 2020-12; what a single value cannot show (duplicates, contradictions) is checked by parsing only. */
export function policyJsonSchema(): Record<string, unknown> {
  return {
    $id: `https://${API_VERSION}/policy.schema.json`,
    title: 'Tollgate cost policy',
    ...z.toJSONSchema(policySchema, { io: 'input' }),
  };
}
