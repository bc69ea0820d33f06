/** Markdown for a comment of a pull request, or the summary of a job. */
import type { WireDecision } from '../../api/contract/evaluate.js';
import { approvalLines, type Finding, findingsOf, formatCost, type Report } from './findings.js';
import { plain } from './text.js';

/** The first line of each comment: an invisible mark by which a pipeline finds its own comment and replaces it. */
export const MARKER = '<!-- tollgate:decision -->';

const MARKS: { readonly [D in WireDecision['decision']]: string } = {
  allow: '✅',
  warn: '⚠️',
  needs_approval: '✋',
  deny: '⛔',
};
const EFFECTS: { readonly [E in Finding['effect']]: string } = {
  deny: 'deny',
  needs_approval: 'needs approval',
  warn: 'warn',
  audit: 'audit',
};

/** GitHub takes comments of up to 65,536 characters. */
const LONGEST = 60_000;

export function renderMarkdown(reports: readonly Report[]): string {
  const budget = Math.floor(LONGEST / Math.max(1, reports.length));
  return [MARKER, ...reports.map((report) => renderOne(report, budget))].join('\n');
}

function renderOne(report: Report, budget: number): string {
  const { file, decision } = report;
  const findings = findingsOf(report);
  const stopping = findings.filter(({ level }) => level === 'error');
  const others = findings.filter(({ level }) => level !== 'error');
  const parts = [
    `### ${MARKS[decision.decision]} Tollgate: ${escape(decision.message)}`,
    `${code(file === '-' ? 'standard input' : file)} **${escape(formatCost(decision))}**`,
    ...(decision.approvals.length === 0 ? [] : [listOf(approvalLines(decision).map(escape))]),
    ...(stopping.length === 0 ? [] : [table(stopping, budget * 0.6)]),
    ...(others.length === 0 ? [] : [fold(`does not stop it (${others.length})`, table(others, budget * 0.25))]),
    ...detailsOf(decision),
    `<sub>decision ${code(decision.decision_id)}, policies ${code(decision.policy_set.slice(0, 'sha256:'.length + 12))}</sub>`,
  ];
  return `${parts.join('\n\n')}\n`;
}

function table(findings: readonly Finding[], budget: number): string {
  const head = '| effect | resource | finding | fix | rule |\n| --- | --- | --- | --- | --- |';
  const rows: string[] = [];
  let length = head.length;
  for (const finding of findings) {
    const row = rowOf(finding);
    length += row.length + 1;
    if (length > budget) break;
    rows.push(row);
  }
  const left = findings.length - rows.length;
  return [head, ...rows, ...(left === 0 ? [] : ['', `and ${left} more`])].join('\n');
}

function rowOf({ effect, unknown, resource, message, fix, policy, rule }: Finding): string {
  const word = unknown ? `${EFFECTS[effect]} (unknown)` : EFFECTS[effect];
  const cells = [word, code(resource), escape(message), escape(fix ?? ''), code(`${policy}/${rule}`)];
  return `| ${cells.join(' | ')} |`;
}

/** Only so many of a list are shown. */
const SHOWN = 20;

function detailsOf({ cost, notices, notes, exceptions_applied: exceptions, errors }: WireDecision): readonly string[] {
  const lists: readonly (readonly [string, readonly string[]])[] = [
    ['without a price', cost.unpriced.map(code)],
    [
      'exceptions',
      exceptions.map((each) => `${code(each.resource_id)}: ${code(each.id)} (${escape(`${each.policy_name}/${each.rule_name}`)})`),
    ],
    ['policies that could not be judged', errors.map((each) => `${code(each.policy_name)}: ${escape(each.message)}`)],
    ['to know', [...notes.map((note) => `${code(note.resource_id)}: ${escape(note.message)}`), ...notices.map(escape)]],
  ];
  return lists.filter(([, items]) => items.length > 0).map(([title, items]) => fold(`${title} (${items.length})`, listOf(items)));
}

function listOf(items: readonly string[]): string {
  const shown = items.slice(0, SHOWN).map((item) => `- ${item.slice(0, 1_000)}`);
  return [...shown, ...(items.length > SHOWN ? [`- and ${items.length - SHOWN} more`] : [])].join('\n');
}

/** The empty lines are needed: Markdown inside of HTML is read only after one. */
function fold(summary: string, content: string): string {
  return `<details><summary>${escape(summary)}</summary>\n\n${content}\n\n</details>`;
}

function code(text: string): string {
  return `<code>${escape(text)}</code>`;
}

const LONGEST_TEXT = 300;

/**
 * Text that Markdown and HTML show as it is. A character reference never counts as markup; an invisible character behind `@`, `#` and `://`
 * keeps GitHub from calling people, linking issues and making links of what somebody named a resource.
 */
export function escape(text: string): string {
  return plain(text)
    .slice(0, LONGEST_TEXT)
    .replaceAll(/\p{Cs}/gu, '\uFFFD')
    .replaceAll(/[!-/:-@[-`{-~]/g, (char) => {
      if (char === '@' || char === '#') return `${char}&#8203;`;
      return SAFE.has(char) ? char : `&#${char.charCodeAt(0)};`;
    })
    .replaceAll('://', ':&#8203;//');
}

/** Punctuation that means nothing inside a line. */
const SAFE = new Set('.,:;/\'%()-?$+="');
