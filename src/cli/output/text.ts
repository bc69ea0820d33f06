/** The answer for people, at a terminal. */
import type { WireDecision } from '../../api/contract/evaluate.js';
import { approvalLines, COST_UNKNOWN, formatCost, type Report } from './findings.js';

const MARKS = { deny: 'DENY ', warn: 'WARN ', audit: 'AUDIT', needs_approval: 'ASK  ' } as const;

/** Without what a terminal would act on: texts come from resources, and from whoever named them. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\u202A-\u202E\u2066-\u2069]+/gu, ' ');
}

export function renderText({ decision }: Report): string {
  const lines = [
    decision.message,
    ...[...decision.violations, ...decision.warnings].flatMap(findingLines),
    ...decision.unknowns
      .filter(({ effect }) => effect !== 'ignore')
      .map((unknown) => `  ?     ${unknown.resource_id}: ${unknown.path}: ${unknown.reason} ${ruleOf(unknown)}`),
    ...decision.errors.map((error) => `  !     ${error.policy_name}: ${error.message}`),
    ...decision.exceptions_applied.map((each) => `  ok    ${each.resource_id}: exception ${each.id} ${ruleOf(each)}`),
    ...decision.notes.map((note) => `  i     ${note.resource_id}: ${note.message} ${ruleOf(note)}`),
    ...decision.notices.map((notice) => `  note  ${notice}`),
    ...approvalLines(decision).map((line) => `  ask   ${line}`),
    `  ${costLine(decision)}`,
  ];
  return lines.map((line) => `${plain(line)}\n`).join('');
}

function findingLines(finding: WireDecision['violations'][number]): readonly string[] {
  const line = `  ${MARKS[finding.effect]} ${finding.resource_id}: ${finding.message} ${ruleOf(finding)}`;
  if (finding.fix !== null) return [line, `        fix: ${finding.fix.text}`];
  return finding.effect === 'deny' && finding.path.startsWith('budget.') ? [line, ...liftLines(finding)] : [line];
}

/** No change of the request makes it fit a budget that is used up: somebody has to decide, or time to pass. */
function liftLines(finding: WireDecision['violations'][number]): readonly string[] {
  const { exception_hint: hint, exception_hint_missing: missing } = finding;
  const ways = `        lift: raise the amount of ${finding.policy_name}/${finding.rule_name}, wait for the end of its period, or ask for an exception`;
  if (hint === null) return [missing === null ? ways : `${ways} (${missing})`];
  const planned = Object.entries(hint.resource).map(([key, value]) => `--planned-${key} ${quoted(value)}`);
  const rule = `--policy ${quoted(hint.policy_name)} --rule ${quoted(hint.rule_name)}`;
  return [`${ways}:`, `              tollgate exception request ${planned.join(' ')} ${rule} --days 14 --justification 'why'`];
}

/** As a shell takes it for one word. */
function quoted(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function ruleOf({ policy_name: policy, rule_name: rule }: { readonly policy_name: string; readonly rule_name: string }): string {
  return `(${policy}/${rule})`;
}

/** Only so many parts without a price are named. */
const NAMED = 10;

function costLine(decision: WireDecision): string {
  const { unpriced } = decision.cost;
  const cost = formatCost(decision);
  if (unpriced.length === 0) return cost;
  const more = unpriced.length > NAMED ? ` and ${unpriced.length - NAMED} more` : '';
  const named = unpriced.slice(0, NAMED).join(', ') + more;
  return cost === COST_UNKNOWN ? `${cost}: no price for ${named}` : `${cost}; no price for: ${named}`;
}
