/** SARIF 2.1.0, as GitHub code scanning takes it: one run, and a file for each result. */
import { createHash } from 'node:crypto';
import { approvalLines, type Finding, findingsOf, type Level, type Report } from './findings.js';

interface Rule {
  readonly id: string;
  readonly level: Level;
  readonly severity: string | null;
  readonly message: string;
}

export function renderSarif(reports: readonly Report[], version: string): string {
  const findings = reports.flatMap(findingsOf);
  const rules = rulesOf(findings);
  const ids = rules.map(({ id }) => id);
  const run = {
    tool: { driver: { name: 'tollgate', semanticVersion: version, rules: rules.map(toRule) } },
    automationDetails: { id: 'tollgate/' },
    invocations: [{ executionSuccessful: true, toolExecutionNotifications: reports.flatMap(notificationsOf) }],
    results: findings.map((finding) => toResult(finding, ids)),
    columnKind: 'utf16CodeUnits',
    properties: {
      decisions: reports.map(({ file, decision }) => ({ file: uriOf(file), decision: decision.decision, id: decision.decision_id })),
    },
  };
  return `${JSON.stringify({ $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs: [run] }, wellFormed, 2)}\n`;
}

/** JSON allows half of a surrogate pair; readers that turn it into UTF-8 do not. */
function wellFormed(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll(/\p{Cs}/gu, '\uFFFD') : value;
}

function rulesOf(findings: readonly Finding[]): readonly Rule[] {
  const rules = new Map<string, Rule>();
  for (const { policy, rule, level, severity, message } of findings) {
    const id = `${policy}/${rule}`;
    if (!rules.has(id)) rules.set(id, { id, level, severity, message });
  }
  return [...rules.values()];
}

function toRule({ id, level, severity }: Rule): object {
  return {
    id,
    shortDescription: { text: `Rule ${id.split('/')[1]} of policy ${id.split('/')[0]}` },
    defaultConfiguration: { level },
    ...(severity === null ? {} : { properties: { severity, tags: ['cost', severity] } }),
  };
}

function toResult(finding: Finding, ruleIds: readonly string[]): object {
  const { policy, rule, level, file, resource, path, effect, message, fix } = finding;
  const ruleId = `${policy}/${rule}`;
  return {
    ruleId,
    ruleIndex: ruleIds.indexOf(ruleId),
    level,
    message: { text: `${resource}: ${message}${fix === null ? '' : `\nFix: ${fix}`}` },
    locations: [
      {
        // code scanning refuses a file in which one result has no file and line
        physicalLocation: { artifactLocation: { uri: uriOf(file) }, region: { startLine: 1 } },
        logicalLocations: [{ fullyQualifiedName: resource, kind: 'resource' }],
      },
    ],
    partialFingerprints: fingerprints(finding),
    properties: { effect, path, unknown: finding.unknown },
  };
}

/**
 * Equal for the same finding of a later run. The name `primaryLocationLineHash` is the one that code scanning compares; without it the
 * upload makes it of the line, and all results, which stand on the first, become one.
 */
function fingerprints({ policy, rule, resource, path }: Finding): object {
  const hash = createHash('sha256')
    .update(JSON.stringify([policy, rule, resource, path]))
    .digest('hex')
    .slice(0, 32);
  return { primaryLocationLineHash: `${hash}:1`, 'tollgate/v1': hash };
}

function notificationsOf({ decision }: Report): readonly object[] {
  return [
    ...decision.errors.map(({ policy_name: policy, message }) => ({ level: 'error', message: { text: `${policy}: ${message}` } })),
    ...[...approvalLines(decision), ...decision.notices].map((text) => ({ level: 'note', message: { text } })),
  ];
}

/** A path as a URI reference; standard input is called `stdin`. */
export function uriOf(file: string): string {
  if (file === '-') return 'stdin';
  const path = file.replaceAll('\\', '/').replace(/^(?:\.\/)+/, '');
  const encoded = path.split('/').map((segment) => encodeURIComponent(segment.replaceAll(/\p{Cs}/gu, '\uFFFD')));
  if (path.startsWith('/')) return `file://${encoded.join('/')}`;
  return /^[A-Za-z]:\//.test(path) ? `file:///${path.slice(0, 2)}/${encoded.slice(1).join('/')}` : encoded.join('/');
}
