/** The formats of `tollgate evaluate`: what CI systems read must be valid whatever a resource is called. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { validateXML, type XMLValidationResult } from 'xmllint-wasm';
import type { WireDecision } from '../../src/api/contract/evaluate.js';
import type { Report } from '../../src/cli/output/findings.js';
import { FORMATS, type Format, renderReports } from '../../src/cli/output/formats.js';
import { escapeData, escapeProperty } from '../../src/cli/output/github.js';
import { escape, MARKER } from '../../src/cli/output/markdown.js';
import { uriOf } from '../../src/cli/output/sarif.js';
import { packageRoot } from '../../src/package-root.js';

const schemas = join(packageRoot, 'test/fixtures/schemas');
const readSchema = (name: string) => readFileSync(join(schemas, name), 'utf8');

type Finding = WireDecision['violations'][number];
const finding: Finding = {
  policy_name: 'resource-limits',
  policy_version: '1.0.0',
  rule_name: 'max-instance-size',
  severity: 'critical',
  effect: 'deny',
  resource_type: 'compute/instance',
  resource_id: 'module.web.aws_instance.this["a"]',
  path: 'specs.vcpus',
  observed: 32,
  limit: 16,
  message: 'Requested 32 vCPUs exceeds limit of 16',
  fix: { set: { 'specs.vcpus': 16 }, text: 'use at most 16 vCPUs, for example m7i.4xlarge' },
  exception_hint: null,
  exception_hint_missing: null,
};
const warning: Finding = {
  ...finding,
  policy_name: 'mandatory-tags',
  rule_name: 'owner-required',
  severity: 'medium',
  effect: 'warn',
  path: 'tags.owner',
  observed: null,
  limit: null,
  message: "Tag 'owner' value '<b>@dana | *bold*' does not match required pattern",
  fix: null,
};

const denied: WireDecision = {
  allowed: false,
  decision: 'deny',
  message: 'Request denied due to policy violations',
  violations: [finding],
  warnings: [warning, { ...warning, rule_name: 'project-required', effect: 'audit', message: "Required tag 'project' is missing" }],
  unknowns: [
    {
      policy_name: 'resource-limits',
      policy_version: '1.0.0',
      rule_name: 'max-volume-size',
      resource_id: 'aws_ebs_volume.data',
      path: 'specs.size_gb',
      reason: 'known after apply',
      effect: 'deny',
    },
    {
      policy_name: 'resource-limits',
      policy_version: '1.0.0',
      rule_name: 'max-volume-size',
      resource_id: 'aws_ebs_volume.cache',
      path: 'specs.size_gb',
      reason: 'not given',
      effect: 'ignore',
    },
  ],
  errors: [{ policy_name: 'broken', policy_version: '0.1.0', rule_name: null, message: 'the stored policy cannot be read' }],
  exceptions_applied: [
    {
      id: 'exc_01',
      policy_name: 'mandatory-tags',
      rule_name: 'cost-center-required',
      resource_id: 'aws_ebs_volume.data',
      expires_at: null,
    },
  ],
  cost: { low: '2803.20', likely: '2803.20', high: null, currency: 'USD', period: 'month', unpriced: ['aws_lambda_function.x'] },
  notes: [
    {
      policy_name: 'office-hours',
      policy_version: '1.0.0',
      rule_name: 'weekdays',
      resource_id: 'aws_ebs_volume.data',
      message: 'will run on weekdays from 08:00 to 18:00',
    },
  ],
  notices: ['the plan is incomplete'],
  holds: [],
  approvals: [],
  policy_set: 'sha256:0123456789abcdef0123456789abcdef',
  decision_id: 'dec_01',
  evaluated_at: '2026-11-22T10:00:00.000Z',
  degraded: false,
  durable: true,
};
const allowed: WireDecision = {
  ...denied,
  allowed: true,
  decision: 'allow',
  message: 'Request compliant with all policies',
  violations: [],
  warnings: [],
  unknowns: [],
  errors: [],
  exceptions_applied: [],
  notes: [],
  notices: [],
  cost: { low: null, likely: null, high: null, currency: 'USD', period: 'month', unpriced: [] },
};

const report: Report = { file: './plans/web app.json', decision: denied };
const render = (format: Format, ...reports: readonly Report[]) => renderReports(format, reports, '1.2.3');

const EXTENSIONS: { readonly [F in Format]: string } = {
  table: 'txt',
  json: 'json.txt',
  junit: 'xml',
  sarif: 'sarif.txt',
  github: 'github.txt',
  markdown: 'md',
};

const asking: WireDecision = {
  ...denied,
  decision: 'needs_approval',
  message: 'Request needs approval',
  violations: [{ ...finding, effect: 'needs_approval', message: 'Needs approval by finops: the purchase option is reserved', fix: null }],
  warnings: [],
  unknowns: [],
  errors: [],
  exceptions_applied: [],
  notes: [],
  notices: [],
  cost: { low: '12.34', likely: '15.00', high: '20.00', currency: 'USD', period: 'month', unpriced: [] },
  approvals: [
    {
      id: 'apr_01',
      policy_name: 'big-spend',
      rule_name: 'reserved',
      status: 'pending',
      approvers: ['bob@company.com', 'fiona@company.com'],
      expires_at: '2026-11-25T10:00:00.123Z',
      decided_by: null,
      reason: null,
    },
  ],
};
const refused: WireDecision = {
  ...asking,
  approvals: asking.approvals.map((each) => ({ ...each, status: 'rejected', decided_by: 'fiona@company.com', reason: 'too dear' })),
};

describe('a used up budget', () => {
  const blocked: Finding = { ...finding, policy_name: 'team-budgets', rule_name: 'shop', path: 'budget.monthly', fix: null };
  const table = (given: Partial<Finding>) =>
    render('table', { file: 'plan.json', decision: { ...denied, violations: [{ ...blocked, ...given }] } });

  test('is told with the command that asks for an exception, as a shell takes it', () => {
    const resource = { type: 'compute/instance', account: '1', namespace: "it's", address: 'aws_instance.this["a b"]' };
    const hint = { policy_name: 'team-budgets', rule_name: 'shop', resource };
    expect(table({ exception_hint: hint })).toContain(
      `        lift: raise the amount of team-budgets/shop, wait for the end of its period, or ask for an exception:
              tollgate exception request --planned-type compute/instance --planned-account 1 --planned-namespace 'it'\\''s' --planned-address 'aws_instance.this["a b"]' --policy team-budgets --rule shop --days 14 --justification 'why'\n`,
    );
  });

  test('says what an exception would need to be told, and nothing where a change of the request helps', () => {
    expect(table({ exception_hint_missing: 'give `account`' })).toContain('or ask for an exception (give `account`)\n');
    expect(table({ fix: finding.fix })).not.toContain('lift:');
    expect(table({ path: 'specs.vcpus' })).not.toContain('lift:');
    expect(table({ effect: 'needs_approval' })).not.toContain('lift:');
  });
});

describe('a request that needs approval', () => {
  test.each(FORMATS)('says in %s which approval it waits for, from whom and until when', (format) => {
    const text = render(format, { file: 'plan.json', decision: asking }).replaceAll('&#95;', '_');
    for (const part of ['apr_01', 'bob', 'fiona', '2026-11-25T10:00:00']) expect(text).toContain(part);
  });
  test.each(FORMATS)('says in %s who rejected it, why, and until when that stands', (format) => {
    const text = render(format, { file: 'plan.json', decision: refused }).replaceAll('&#95;', '_');
    for (const part of ['apr_01', 'rejected', 'fiona', 'too dear', '2026-11-25T10:00:00']) expect(text).toContain(part);
    expect(text).not.toContain('waits for');
  });
  test('is the same decision in each format as it was', async () => {
    for (const format of ['table', 'github', 'markdown'] as const)
      await expect(render(format, { file: 'plan.json', decision: asking })).toMatchFileSnapshot(`golden/asking.${EXTENSIONS[format]}`);
  });
});

test.each([
  [{ low: '12.34', likely: '15.00', high: '20.00' }, [], 'costs 12.34 to 20.00 USD a month'],
  [{ low: '12.34', likely: '12.34', high: '12.34' }, [], 'costs 12.34 USD a month'],
  [{ low: '0.00', likely: '0.00', high: '0.00' }, [], 'costs 0.00 USD a month'],
  [{ low: '12.34', likely: '12.34', high: null }, ['a', 'b'], 'costs at least 12.34 USD a month; no price for: a, b'],
  [{ low: '0.00', likely: '0.00', high: null }, ['a'], 'cost unknown: no price for a'],
  [{ low: null, likely: null, high: null }, ['a'], 'cost unknown: no price for a'],
])('the cost %j without a price for %j is told as it is', (range, unpriced, words) => {
  const decision = { ...allowed, cost: { ...allowed.cost, ...range, unpriced } };
  expect(render('table', { file: 'a', decision })).toBe(`Request compliant with all policies\n  ${words}\n`);
});

describe('one decision in each format', () => {
  test.for(FORMATS)('%s is as it was', async (format) => {
    await expect(render(format, report)).toMatchFileSnapshot(`golden/denied.${EXTENSIONS[format]}`);
  });

  test('several files are told apart in each format', () => {
    const both = [report, { file: 'other.json', decision: allowed }];
    expect(JSON.parse(render('json', ...both))).toHaveLength(2);
    for (const format of ['table', 'junit', 'sarif', 'github', 'markdown'] as const)
      expect(render(format, ...both)).toContain('other.json');
  });
});

const lint = (xml: string, schema: string): Promise<XMLValidationResult> =>
  validateXML({
    xml: [{ fileName: 'report.xml', contents: xml }],
    schema: [{ fileName: 'schema.xsd', contents: readSchema(schema) }],
  });
const ajv = new Ajv2020({ strict: false, validateFormats: false });
const isSarif = ajv.compile(JSON.parse(readSchema('sarif-2.1.0.schema.json')) as object);

async function expectJunit(xml: string): Promise<void> {
  for (const schema of ['junit.xsd', 'junit-jenkins-10.xsd']) {
    const { valid, errors } = await lint(xml, schema);
    expect({ schema, valid, errors: errors.map(({ message }) => message) }).toEqual({ schema, valid: true, errors: [] });
  }
}

describe('JUnit', () => {
  test('is valid by the strict schema and by that of Jenkins', async () => {
    await expectJunit(render('junit', report, { file: '-', decision: allowed }));
  });

  test('the schemas refuse what is not', async () => {
    expect((await lint('<testsuites><testsuite name="x"/></testsuites>', 'junit.xsd')).valid).toBe(false);
    expect((await lint('<testsuites><suite/></testsuites>', 'junit-jenkins-10.xsd')).valid).toBe(false);
  });

  test('what stops the request fails, an unknown that denies too; what warns is skipped; no two cases have one name', () => {
    const twice = { ...denied, violations: [finding, finding] };
    const xml = render('junit', { file: 'plan.json', decision: twice });
    expect(xml).toContain('tests="7" failures="4" errors="1" skipped="2"');
    const cases = [...xml.matchAll(/<testcase name="([^"]*)" classname="([^"]*)"/g)].map(([, name, classname]) => `${classname} ${name}`);
    expect(new Set(cases).size).toBe(cases.length);
  });

  test('an allowed request without findings has a case that passes', () => {
    expect(render('junit', { file: 'plan.json', decision: allowed })).toContain(
      '<testcase name="decision" classname="tollgate" time="0.000"/>',
    );
  });
});

interface SarifResult {
  readonly level: string;
  readonly ruleIndex: number;
  readonly ruleId: string;
  readonly locations: readonly { readonly physicalLocation: { readonly artifactLocation: { readonly uri: string } } }[];
  readonly partialFingerprints: Readonly<Record<string, string>>;
}
interface SarifRun {
  readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
  readonly results: readonly SarifResult[];
}
const runOf = (sarif: string) => (JSON.parse(sarif) as { runs: [SarifRun] }).runs[0];

describe('SARIF', () => {
  test('is valid by its schema, which refuses what is not', () => {
    expect(isSarif(JSON.parse(render('sarif', report))), ajv.errorsText(isSarif.errors)).toBe(true);
    expect(isSarif({ version: '2.1.0', runs: [{ results: [{}] }] })).toBe(false);
  });

  test('levels follow the effect, each result has its rule, a file and a fingerprint of its own', () => {
    const { results, tool } = runOf(render('sarif', report));
    expect(results.map(({ level }) => level)).toEqual(['error', 'error', 'warning', 'note']);
    for (const result of results) {
      expect(tool.driver.rules[result.ruleIndex]?.id).toBe(result.ruleId);
      expect(result.locations[0]?.physicalLocation.artifactLocation.uri).toBe('plans/web%20app.json');
    }
    expect(new Set(results.map(({ partialFingerprints }) => partialFingerprints['primaryLocationLineHash'])).size).toBe(results.length);
  });

  test('a fingerprint does not depend on the message, so that a finding stays the same when its numbers change', () => {
    const changed = { ...denied, violations: [{ ...finding, message: 'Requested 64 vCPUs exceeds limit of 16' }] };
    const prints = (decision: WireDecision) => runOf(render('sarif', { ...report, decision })).results[0]?.partialFingerprints;
    expect(prints(changed)).toEqual(prints(denied));
  });

  test.for([
    ['-', 'stdin'],
    ['./a b/c#d.json', 'a%20b/c%23d.json'],
    ['dir\\plan.json', 'dir/plan.json'],
    ['/tmp/plan.json', 'file:///tmp/plan.json'],
    ['C:\\x\\plan.json', 'file:///C:/x/plan.json'],
  ])('the URI of %s is %s', ([file, uri]) => {
    expect(uriOf(file ?? '')).toBe(uri);
  });
});

describe('GitHub annotations', () => {
  test('escape what would end a command or a property', () => {
    expect(escapeData('100%\r\na:b,c')).toBe('100%25%0D%0Aa:b,c');
    expect(escapeProperty('100%\na:b,c')).toBe('100%25%0Aa%3Ab%2Cc');
  });

  test('are one line each, the decision first, whatever is in a name', () => {
    const name = 'x\n::set-env name=A::B\r\n::error::x';
    const decision = { ...denied, violations: [{ ...finding, resource_id: name, message: name, fix: { set: {}, text: name } }] };
    const lines = render('github', { file: `a,b:c\n${name}`, decision })
      .trimEnd()
      .split('\n');
    expect(lines).toHaveLength(7);
    expect(lines[0]).toMatch(/^::error file=[^,:]+,title=tollgate::Request denied/);
    for (const line of lines) expect(line).toMatch(/^::(error|warning|notice) file=[^,:]+,title=[^,:]+::[^\r\n]+$/);
  });
});

describe('Markdown', () => {
  test('begins with the mark by which a pipeline finds its comment', () => {
    expect(render('markdown', report).split('\n')[0]).toBe(MARKER);
  });

  test('shows names as they are: no markup, no table cell, no mention, no link', () => {
    const escaped = escape('a|b `c` *d* <img src=x> [e](f) @team #12 https://x.org\n&amp;');
    expect(escaped.replaceAll(/&#\d+;/g, '·')).not.toMatch(/[|`*<>[\]&]|@\w|#\d|:\/\//);
    expect(escaped).not.toContain('\n');
  });

  test('stays below what GitHub takes as a comment', () => {
    const violations = Array.from({ length: 2_000 }, (_, index) => ({ ...finding, resource_id: `${'é|'.repeat(150)}${index}` }));
    const text = render('markdown', { file: 'plan.json', decision: { ...denied, violations, warnings: violations } });
    expect(text.length).toBeLessThan(65_536);
    expect(text).toMatch(/and \d+ more/);
  });
});

describe('fuzzed names', () => {
  const awkward = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.constantFrom(
      ']]>',
      '<!-- -->',
      '--!>',
      '\u0000\u0008\uD800',
      '👩‍👩‍👧',
      '</testcase>',
      '&#0;',
      '\uFFFE',
      '"\'',
      '%0A::error::',
      '-->',
    ),
  );
  const decisions = fc.tuple(awkward, awkward, awkward, awkward, awkward).map(([name, message, fix, reason, notice]) => ({
    ...denied,
    violations: [{ ...finding, resource_id: name, message, fix: { set: {}, text: fix } }],
    unknowns: denied.unknowns.map((unknown) => ({ ...unknown, resource_id: name, reason })),
    errors: [{ policy_name: name, policy_version: '1.0.0', rule_name: null, message }],
    notices: [notice],
  }));

  test('XML stays valid', async () => {
    await fc.assert(
      fc.asyncProperty(decisions, awkward, (decision, file) => expectJunit(render('junit', { file: file || 'x', decision }))),
      { numRuns: 15 },
    );
  }, 60_000);

  test('JSON and SARIF stay valid, annotations stay lines, a comment keeps its rows', () => {
    fc.assert(
      fc.property(decisions, awkward, (decision, file) => {
        const one = { file, decision };
        const sarif = render('sarif', one);
        expect(isSarif(JSON.parse(sarif)), ajv.errorsText(isSarif.errors)).toBe(true);
        expect(sarif).not.toMatch(/\p{Cs}/u);
        expect(JSON.parse(render('json', one))).toEqual(JSON.parse(JSON.stringify(decision)));
        for (const line of render('github', one)
          .trimEnd()
          .split(/[\r\n]/))
          expect(line).toMatch(/^::(error|warning|notice) /);
        const rows = render('markdown', one)
          .split('\n')
          .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'));
        for (const row of rows) expect(row.split('|')).toHaveLength(7);
      }),
      { numRuns: 300 },
    );
  }, 60_000);
});
