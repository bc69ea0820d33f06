/** Bad policies: every one is refused with its places, or read; none throws, none takes long, whatever its patterns and aliases. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../src/package-root.js';
import { compilePolicies } from '../../src/policy/compile.js';
import { evaluateRequest } from '../../src/policy/evaluate.js';
import { NO_EXCEPTIONS } from '../../src/policy/exception.js';
import { parsePolicies } from '../../src/policy/parse.js';
import { resource } from '../policy/samples.js';
import { createRandom, type Random } from '../support/random.js';
import { mutateText } from './mutate.js';
import { workedMs } from './shots.js';

const TEXTS = 4_000;
const ANSWER_WITHIN_MS = 1_000;

const shipped = readdirSync(join(packageRoot, 'policies'))
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => readFileSync(join(packageRoot, 'policies', file), 'utf8'));

const EVIL: readonly string[] = [
  `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n`,
  'a: &a\n  b: *a\n',
  `${'- '.repeat(5_000)}x`,
  `${'['.repeat(20_000)}`,
  `${'{a: '.repeat(20_000)}`,
  'x: !!js/function "function () {}"',
  '? [a, b]\n: c\n',
  '__proto__: { polluted: true }',
  `pattern: "${'(a+)+'.repeat(2_000)}$"`,
  `apiVersion: "${'v'.repeat(500_000)}"`,
  '\0',
  '%YAML 9.9\n---\n',
  '--- a\n--- b\n'.repeat(5_000),
  '---\n{}\n'.repeat(100_000),
  'a: 1\n'.repeat(100_000),
  Array.from({ length: 60_000 }, (_, index) => `k${index}: 1`).join('\n'),
  `spec:\n  rules:\n${'  - {}\n'.repeat(100_000)}`,
  `a: &a [${'*a,'.repeat(100_000)}]`,
];

const PATTERNS: readonly string[] = [
  '(a+)+$',
  '(a|aa)*b',
  '((((a*)*)*)*)*c',
  '(?=x)',
  '(.)\\\\1',
  '[',
  'a{1001}',
  '(a{1000}){1000}',
  '\\\\p{Zzz}',
  '(?<!x)y',
];

function textOf(number: number): string {
  const random: Random = createRandom(number);
  if (number < EVIL.length) return EVIL[number] as string;
  const text = mutateText(random.pick(shipped), random);
  return random.next() < 0.2 ? text.replace(/pattern: .*/, () => `pattern: "${random.pick(PATTERNS)}"`) : text;
}

const tagged = resource({ tags: { 'cost-center': `${'a'.repeat(4_000)}!`, owner: `${'a'.repeat(30_000)}!`, environment: 'production' } });

/** Parses, and judges by what was read. */
function tryOut(text: string): void {
  const { policies, issues } = parsePolicies(text, 'fuzz.yaml');
  if (policies.length + issues.length === 0) throw new Error('neither read nor refused');
  for (const issue of issues) if (issue.message === '') throw new Error('an issue without words');
  const compiled = compilePolicies(policies.map((policy) => ({ version: '1.0.0', policy })));
  const { errors } = evaluateRequest(compiled, NO_EXCEPTIONS, { resources: [tagged] }, 0);
  if (errors.length > 0) throw new Error(`what was parsed cannot be judged: ${errors[0]?.message}`);
}

function complaintOf(number: number): string | undefined {
  const text = textOf(number);
  const isLate = () => {
    const before = workedMs();
    tryOut(text);
    return workedMs() - before > ANSWER_WITHIN_MS;
  };
  try {
    // Slow once or twice may be the machine's fault.
    return isLate() && isLate() && isLate() ? `text ${number}: slow` : undefined;
  } catch (error) {
    return `text ${number}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

test(`${TEXTS} mutated policies are read or refused, and judged by, at once`, { timeout: 120_000 }, () => {
  const complaints = Array.from({ length: TEXTS }, (_, number) => complaintOf(number)).filter((complaint) => complaint !== undefined);
  expect(complaints).toEqual([]);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});
