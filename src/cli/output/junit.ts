/** JUnit XML: valid by the strict schema of Ant and by the one that Jenkins checks with; GitLab reads the same. */
import type { WireDecision } from '../../api/contract/evaluate.js';
import { type Finding, findingsOf, type Report } from './findings.js';
import { renderText } from './text.js';

interface Case {
  readonly name: string;
  readonly classname: string;
  /** Absent: passed. What only warns is shown as skipped: the one outcome that is neither passed nor failed. */
  readonly outcome?: {
    readonly as: 'failure' | 'skipped' | 'error';
    readonly type: string;
    readonly message: string;
    readonly text: string;
  };
}

/** One suite for each file. The case `decision` is always there: a suite without cases counts as broken. */
export function renderJunit(reports: readonly Report[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${reports.map(suiteOf).join('')}</testsuites>\n`;
}

function suiteOf(report: Report, id: number): string {
  const { file, decision } = report;
  const cases = withOwnNames([decisionCase(decision), ...findingsOf(report).map(findingCase), ...decision.errors.map(errorCase)]);
  const count = (as: string) => cases.filter(({ outcome }) => outcome?.as === as).length;
  const attributes = attributesOf({
    name: file,
    package: 'tollgate',
    id,
    timestamp: decision.evaluated_at.slice(0, 'YYYY-MM-DDTHH:MM:SS'.length),
    hostname: 'localhost',
    tests: cases.length,
    failures: count('failure'),
    errors: count('error'),
    skipped: count('skipped'),
    time: '0.000',
  });
  const output = `    <system-out>${escapeXml(renderText(report))}</system-out>\n    <system-err></system-err>\n`;
  return `  <testsuite${attributes}>\n    <properties>${propertiesOf(decision)}</properties>\n${cases.map(renderCase).join('')}${output}  </testsuite>\n`;
}

function propertiesOf({ decision, decision_id: id, policy_set: policySet }: WireDecision): string {
  const properties = { decision, decision_id: id, policy_set: policySet };
  return Object.entries(properties)
    .map(([name, value]) => `<property${attributesOf({ name, value })}/>`)
    .join('');
}

function decisionCase({ allowed, decision, message }: WireDecision): Case {
  const base = { name: 'decision', classname: 'tollgate' };
  return allowed ? base : { ...base, outcome: { as: 'failure', type: decision, message, text: message } };
}

function findingCase(finding: Finding): Case {
  const { policy, rule, path, resource, level, effect, message, fix } = finding;
  const text = fix === null ? message : `${message}\nfix: ${fix}`;
  const as = level === 'error' ? 'failure' : 'skipped';
  const type = finding.unknown ? `unknown-${effect}` : effect;
  return { name: `${policy}/${rule} ${path}`, classname: resource, outcome: { as, type, message: `${effect}: ${message}`, text } };
}

function errorCase({ policy_name: policy, rule_name: rule, message }: WireDecision['errors'][number]): Case {
  const outcome = { as: 'error', type: 'policy', message, text: message } as const;
  return { name: rule === null ? policy : `${policy}/${rule}`, classname: 'policies', outcome };
}

/** GitLab keeps one of several cases with equal names. */
function withOwnNames(cases: readonly Case[]): readonly Case[] {
  const seen = new Map<string, number>();
  return cases.map((each) => {
    const key = JSON.stringify([each.classname, each.name]);
    const before = seen.get(key) ?? 0;
    seen.set(key, before + 1);
    return before === 0 ? each : { ...each, name: `${each.name} (${before + 1})` };
  });
}

function renderCase({ name, classname, outcome }: Case): string {
  const start = `    <testcase${attributesOf({ name, classname, time: '0.000' })}`;
  if (outcome === undefined) return `${start}/>\n`;
  const { as, type, message, text } = outcome;
  const attributes = attributesOf(as === 'skipped' ? { message } : { message, type });
  return `${start}><${as}${attributes}>${escapeXml(text)}</${as}></testcase>\n`;
}

function attributesOf(attributes: Readonly<Record<string, string | number>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escapeXml(String(value)).replaceAll(/[\t\n\r]/g, ' ')}"`)
    .join('');
}

// What XML 1.0 has no way to write, not even as a reference.
const NOT_XML = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

const XML_ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export function escapeXml(text: string): string {
  return text.replaceAll(NOT_XML, '\uFFFD').replaceAll(/[&<>"]/g, (char) => XML_ENTITIES[char] ?? char);
}
