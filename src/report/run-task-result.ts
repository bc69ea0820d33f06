/** What HCP Terraform is told of a judged plan, within its limits. Pure. */
import type { RunTaskOutcome, RunTaskResult } from '../policy/run-task.js';

/** What is read of a decision, as it is on the wire. */
export interface PlanDecision {
  readonly allowed: boolean;
  readonly message: string;
  readonly violations: readonly PlanFinding[];
  readonly warnings: readonly PlanFinding[];
  readonly unknowns: readonly { readonly effect: string }[];
  readonly notices: readonly string[];
  readonly decision_id: string;
}

export interface PlanFinding {
  readonly policy_name: string;
  readonly rule_name: string;
  readonly severity: string;
  readonly effect: string;
  readonly resource_id: string;
  readonly message: string;
  readonly fix: { readonly text: string } | null;
}

const LONGEST_MESSAGE = 1_000;
const MOST_OUTCOMES = 250;
/** Beyond it HCP cuts. */
const LONGEST_DESCRIPTION = 300;

/** `passed` where the plan may be applied, warnings included. */
export function toRunTaskResult(decision: PlanDecision, takesOutcomes: boolean): RunTaskResult {
  const findings = [...decision.violations, ...decision.warnings].slice(0, MOST_OUTCOMES);
  const result = runTaskResult(decision.allowed ? 'passed' : 'failed', summary(decision));
  if (!takesOutcomes || findings.length === 0) return result;
  const outcomes = findings.map((finding, index) => toOutcome(finding, `${decision.decision_id}-${index + 1}`));
  return { data: { ...result.data, relationships: { outcomes: { data: outcomes } } } };
}

export function runTaskResult(status: RunTaskResult['data']['attributes']['status'], message: string): RunTaskResult {
  return { data: { type: 'task-results', attributes: { status, message: cut(message, LONGEST_MESSAGE) } } };
}

function summary({ message, violations, warnings, unknowns, notices, decision_id: id }: PlanDecision): string {
  const open = unknowns.filter(({ effect }) => effect !== 'ignore').length;
  const counts = [count(violations.length, 'violation'), count(warnings.length, 'warning'), count(open, 'unknown')];
  const first = [...violations, ...warnings].slice(0, 3).map((finding) => `${finding.resource_id}: ${finding.message}`);
  const tail = `decision ${id}`;
  const text = [`${message} (${counts.join(', ')})`, ...first, ...notices].join('; ');
  return `${cut(text, LONGEST_MESSAGE - tail.length - 2)}; ${tail}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function toOutcome(finding: PlanFinding, id: string): RunTaskOutcome {
  const rule = `${finding.policy_name}/${finding.rule_name}`;
  const lines = [
    `\`${finding.resource_id}\`: ${finding.message}`,
    ...(finding.fix === null ? [] : [`**What would pass:** ${finding.fix.text}`]),
  ];
  return {
    type: 'task-result-outcomes',
    attributes: {
      'outcome-id': id,
      description: cut(`${finding.resource_id}: ${finding.message}`, LONGEST_DESCRIPTION),
      tags: {
        Status: [STATUS[finding.effect] ?? { label: 'Warning', level: 'warning' }],
        Severity: [{ label: finding.severity, level: 'none' }],
        Rule: [{ label: rule, level: 'none' }],
      },
      body: lines.join('\n\n'),
    },
  };
}

const STATUS: Readonly<Record<string, { readonly label: string; readonly level: 'error' | 'warning' | 'info' }>> = {
  deny: { label: 'Denied', level: 'error' },
  needs_approval: { label: 'Needs approval', level: 'error' },
  warn: { label: 'Warning', level: 'warning' },
  audit: { label: 'Audit', level: 'info' },
};

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}
