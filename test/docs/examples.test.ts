/** Whatever the documentation shows is checked: policies parse, requests are answered as it says, commands exist, paths exist, defaults are true. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { houseCommands } from '../../src/cli/house.js';
import { createProgram } from '../../src/cli/program.js';
import { loadConfig } from '../../src/config.js';
import { packageRoot } from '../../src/package-root.js';
import { formatIssue } from '../../src/policy/issue.js';
import { parsePolicies } from '../../src/policy/parse.js';
import { parsePolicyTest } from '../../src/policy/parse-policy-test.js';
import { runPolicyTests } from '../../src/policy/policy-test.js';
import { policyJsonSchema } from '../../src/policy/schema.js';
import { policyTestSchema } from '../../src/policy/schema-policy-test.js';
import { SCAN_SCHEDULE_ID, SEARCH_ATTRIBUTES, WORKFLOWS, workflowIds } from '../../src/workflows/messages.js';
import { problemsOf } from '../cli/command-line.js';
import { silentContext } from '../cli/context.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { type Block, blocksOf, DOCUMENTS, outputPattern, readDocument } from './blocks.js';

const at = ({ file, line }: Block) => `${file}:${line}`;
const blocks = DOCUMENTS.flatMap(blocksOf);
const named = (language: string, also: (block: Block) => boolean = () => true) =>
  blocks.filter((block) => block.language === language && also(block)).map((block) => [at(block), block] as const);

/** The nearest block before `block` on its page that `is` so. */
function before(block: Block, is: (other: Block) => boolean): Block | undefined {
  return blocks.filter((other) => other.file === block.file && other.line < block.line && is(other)).at(-1);
}

function after(block: Block): Block | undefined {
  return blocks.find((other) => other.file === block.file && other.line > block.line);
}

/** Sent to a server by its own test. */
const isStream = ({ language, text }: Block) => language === 'yaml' && /^---$/m.test(text);
const isPolicy = (block: Block) => block.language === 'yaml' && /^kind: CostPolicy$/m.test(block.text) && !isStream(block);
const isPolicyTest = (block: Block) => block.language === 'yaml' && /^cases:$/m.test(block.text) && !isStream(block);
const LANGUAGES = ['yaml', 'json', 'sh', 'ts', 'text', 'mermaid'];

/** Paths below `src`. */
function sources(): readonly string[] {
  return readdirSync(join(packageRoot, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
}

function sourcesText(): string {
  return sources()
    .map((name) => readFileSync(join(packageRoot, 'src', name), 'utf8'))
    .join('\n');
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly additionalProperties?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly string[];
  readonly const?: string;
}

function specsOf(schema: object): readonly JsonSchema[] {
  return (schema as { properties: { spec: { oneOf: readonly JsonSchema[] } } }).properties.spec.oneOf;
}

interface Leaf {
  /** As the tables write it: `requiredTags[].key`. */
  readonly path: string;
  readonly words: readonly string[];
}

/** The fields that hold values; one that may be a word or a mapping is a field of its own. */
function leavesOf(schema: JsonSchema, path = ''): readonly Leaf[] {
  if (schema.items?.properties !== undefined) return leavesOf(schema.items, `${path}[]`);
  const [first] = schema.anyOf ?? [];
  if (schema.properties === undefined) return [{ path, words: (schema.items ?? first ?? schema).enum ?? [] }];
  return Object.entries(schema.properties).flatMap(([key, inner]) => leavesOf(inner, path === '' ? key : `${path}.${key}`));
}

/** Names of fields, at any depth. */
function namesIn(schema: JsonSchema): readonly string[] {
  const inner = [schema.items ?? [], schema.anyOf ?? [], schema.additionalProperties ?? []].flat();
  const own = Object.entries(schema.properties ?? {});
  return [...own.flatMap(([name, value]) => [name, ...namesIn(value)]), ...inner.flatMap(namesIn)];
}

/** Runs the command line from its sources. */
function tollgate(args: readonly string[], input: string) {
  const tsx = join(packageRoot, 'node_modules/.bin/tsx');
  const { stdout, stderr, status } = spawnSync(tsx, [join(packageRoot, 'src/cli/main.ts'), ...args], { input, encoding: 'utf8' });
  return { stdout, stderr, status };
}

test('each block is of a kind that is checked', () => {
  for (const block of blocks) expect(LANGUAGES, at(block)).toContain(block.language);
  for (const [place, block] of named('yaml')) expect(isPolicy(block) || isPolicyTest(block) || isStream(block), place).toBe(true);
});

test.each(named('yaml', isPolicy))('the policy at %s is valid', (place, { text }) => {
  expect(parsePolicies(text, place).issues.map(formatIssue)).toEqual([]);
});

test.each(named('yaml', isPolicyTest))('the policy test at %s passes', (place, { text }) => {
  const { policies, document, issues } = parsePolicyTest(text, place);
  expect(issues.map(formatIssue)).toEqual([]);
  if (document === undefined) throw new Error('no document');
  expect(runPolicyTests(policies, document)).toMatchObject({ failures: [], unexercised: [] });
});

test.each(named('json'))(
  'the request at %s is answered as the page says, by the policy above it',
  (_place, block) => {
    const folder = temporaryDirectory();
    writeFileSync(join(folder, 'policy.yaml'), before(block, isPolicy)?.text ?? '');
    const { stdout, stderr } = tollgate(['evaluate', '--policies', folder, '-'], block.text);
    expect(stderr).toBe('');
    expect(stdout).toMatch(outputPattern(after(block)?.text ?? 'the answer'));
  },
  60_000,
);

test('each block of code is in the sources', () => {
  const text = sourcesText();
  for (const [place, block] of named('ts')) for (const line of block.text.split('\n')) expect(text, `${place}: ${line}`).toContain(line);
});

describe('README', () => {
  const evaluations = blocksOf('README.md').filter(({ language, text }) => language === 'sh' && text.includes(' evaluate '));

  test.each([
    ['allowed', 0],
    ['denied', 2],
  ])(
    'its request that is %s prints what it says, with exit code %d',
    (_word, status) => {
      const block = evaluations[status === 0 ? 0 : 1];
      if (block === undefined) throw new Error('README shows no such command');
      const [, body = '', args = ''] = /^echo '(.*)' \\\n {2}\| node dist\/cli\/main\.js (.*)$/.exec(block.text) ?? [];
      const answer = tollgate(args.split(' '), body);
      expect(answer).toMatchObject({ stderr: '', status });
      expect(answer.stdout).toMatch(outputPattern(after(block)?.text ?? ''));
    },
    60_000,
  );

  test('its two commands are scripts of the package', () => {
    const { scripts } = JSON.parse(readDocument('package.json')) as { scripts: Record<string, string> };
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['start', 'test']));
    expect(blocksOf('README.md')[0]?.text).toMatch(/^npm install && npm start .*\nnpm install && npm test /);
  });
});

describe('commands', () => {
  const program = createProgram(silentContext(), '0.0.0');
  houseCommands(program, silentContext(), {});
  // docs/tour.md is executed by its own test
  const lines = blocks
    .filter(({ language, file }) => language === 'sh' && file !== 'docs/tour.md')
    .flatMap((block) =>
      block.text
        .replaceAll('\\\n', ' ')
        .split('\n')
        .map((line) => [at(block), line] as const),
    )
    .filter(([, line]) => /\btollgate /.test(line));

  const mentioned = DOCUMENTS.flatMap((file) =>
    [...readDocument(file).matchAll(/`((?:tollgate|node dist\/cli\/main\.js) [^`]+)`/g)].map(([, line]) => line ?? ''),
  );

  test('each one that a sentence mentions exists, with its options', () => {
    const problems = mentioned.flatMap((line) => problemsOf(program, line.replace('node dist/cli/main.js', 'tollgate')));
    expect(mentioned.length).toBeGreaterThan(10);
    expect(problems.filter((problem) => !problem.startsWith('without'))).toEqual([]);
  });

  test.each(lines)('at %s: %s', (_place, line) => {
    expect(problemsOf(program, line)).toEqual([]);
  });
});

describe('paths', () => {
  const FOLDERS = 'src|test|docs|policies|config|data|scripts|bench';
  const named = DOCUMENTS.flatMap((file) =>
    [...readDocument(file).matchAll(new RegExp(`\`((?:${FOLDERS})/[^\`\\s]*)\``, 'g'))].map((found) => [file, found[1] ?? ''] as const),
  ).filter(([, path]) => !path.includes('<'));
  const linked = DOCUMENTS.flatMap((file) =>
    [...readDocument(file).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map((found) => [file, found[1] ?? ''] as const),
  );

  test('every path that a page names exists', () => {
    expect(named.filter(([, path]) => !existsSync(join(packageRoot, path)))).toEqual([]);
  });

  test('every link leads somewhere', () => {
    expect(linked.filter(([file, path]) => !existsSync(join(packageRoot, file, '..', path)))).toEqual([]);
  });

  test('the map of the house names every folder of the sources', () => {
    const page = readDocument('docs/architecture.md');
    const folders = new Set(
      sources()
        .filter((name) => name.includes('/'))
        .map((name) => `src/${name.split('/')[0]}`),
    );
    for (const folder of folders) expect(page).toContain(folder);
  });
});

describe('docs/operations.md', () => {
  const rows = [...readDocument('docs/operations.md').matchAll(/^\| (`[^|]*`) \| ([^|]*) \|/gm)].map(([, names = '', value = '']) => ({
    names: [...names.matchAll(/`([^`]+)`/g)].map((name) => name[1] ?? ''),
    value: value.trim().replace(/^`(.*)`$/, '$1'),
  }));
  const variables = rows.filter(({ names }) => /^[A-Z_]+$/.test(names[0] ?? ''));

  test('it names every variable of .env.example, and no other', () => {
    const example = readFileSync(join(packageRoot, '.env.example'), 'utf8');
    const ours = [...example.split('# docker-compose.yml only.')[0]!.matchAll(/^([A-Z_]+)=/gm)].map((name) => name[1]);
    const documented = variables.flatMap(({ names }) => names);
    expect(documented.filter((name) => !name.startsWith('TEMPORAL_TLS_')).sort()).toEqual([...ours].sort());
  });

  test('it names every variable that the sources read', () => {
    const read = new Set([...sourcesText().matchAll(/\b(?:TOLLGATE_[A-Z_]+|DATABASE_URL)\b/g)].map(([name]) => name));
    expect(variables.flatMap(({ names }) => names)).toEqual(expect.arrayContaining([...read]));
  });

  test('the defaults of variables are true: setting them changes nothing', () => {
    const cwd = temporaryDirectory();
    mkdirSync(join(cwd, 'config'));
    mkdirSync(join(cwd, 'policies'));
    for (const name of ['settings', 'directory'])
      writeFileSync(join(cwd, `config/${name}.yaml`), readFileSync(join(packageRoot, `config/${name}.yaml`)));
    const given = variables.filter(({ value }) => value !== 'none').flatMap(({ names, value }) => names.map((name) => [name, value]));
    expect(given.length).toBeGreaterThan(5);
    expect(loadConfig(Object.fromEntries(given) as NodeJS.ProcessEnv, cwd)).toEqual(loadConfig({}, cwd));
  });

  test('it lists every setting with its default', () => {
    const settings = rows.filter(({ names }) => /^[a-z]/.test(names[0] ?? '')).map(({ names, value }) => [names[0], value]);
    const known = loadConfig({}, packageRoot).settingLines.map((line) => [line.key, line.default]);
    const keys = new Set(known.map(([key]) => key));
    expect(settings.filter(([key]) => keys.has(key ?? ''))).toEqual(known);
  });
});

describe('docs/policy-reference.md', () => {
  const page = readDocument('docs/policy-reference.md');
  /** The page by its headings; what stands before the first section is under ''. */
  const sections = new Map(page.split(/^## /m).map((text, index) => [index === 0 ? '' : (text.split('\n')[0] ?? ''), text] as const));
  const rowsOf = (section: string) => (sections.get(section) ?? '').split('\n').filter((line) => line.startsWith('| `'));
  const fieldsOf = (row: string) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, field]) => field ?? '');
  const types = specsOf(policyJsonSchema()).map((spec) => [String(spec.properties?.['type']?.const), spec] as const);

  test.each(types)('every field of %s is in a table, with every word that it takes', (type, spec) => {
    const rows = ['What every rule may have', type].flatMap(rowsOf);
    const fields = leavesOf(spec.properties?.['rules']?.items ?? {});
    expect(fields.length).toBeGreaterThan(8);
    for (const { path, words } of fields) {
      const row = rows.find((one) => fieldsOf(one).includes(path));
      expect(row, path).toBeDefined();
      for (const word of words) expect(row, `${path}: ${word}`).toContain(`\`${word}\``);
    }
  });

  test('every field of a document is in a table', () => {
    const document = policyJsonSchema() as JsonSchema;
    const fields = leavesOf({ ...document, properties: { ...document.properties, spec: { properties: { type: {}, rules: {} } } } });
    expect(rowsOf('').flatMap(fieldsOf).sort()).toEqual(fields.map(({ path }) => path).sort());
  });

  test('every field of a policy test is named, those of its resource included', () => {
    const spans = (sections.get('Policy tests') ?? '').matchAll(/`([^`]+)`/g);
    const named = new Set([...spans].flatMap(([, span = '']) => span.split(/\W+/)));
    const names = namesIn(z.toJSONSchema(policyTestSchema, { io: 'input' }) as JsonSchema);
    expect(names.length).toBeGreaterThan(60);
    expect(names.filter((name) => !named.has(name))).toEqual([]);
  });

  test.each(types)('a table names no field that %s does not have', (type, spec) => {
    const known = leavesOf(spec.properties?.['rules']?.items ?? {}).map(({ path }) => path);
    expect(rowsOf(type).flatMap(fieldsOf)).not.toEqual([]);
    expect(
      rowsOf(type)
        .flatMap(fieldsOf)
        .filter((field) => !known.includes(field)),
    ).toEqual([]);
  });

  test.each(types)('%s has an example with a request and the decision on it', (type) => {
    const [section = ''] = [...sections].filter(([title]) => title === type).map(([, text]) => text);
    expect(section).toMatch(new RegExp(`^ +type: ${type}$`, 'm'));
    expect(section).toMatch(/^```json$[^]*^```text$|^ +decision: \w+$/m);
  });
});

describe('docs/temporal-ui.md', () => {
  const page = readDocument('docs/temporal-ui.md');

  test('it names every workflow with its id', () => {
    const ids = Object.values(workflowIds).map((idOf) => idOf('<', '<').split('<')[0]);
    for (const id of [...ids, SCAN_SCHEDULE_ID]) expect(page).toContain(`\`${id}`);
    for (const name of Object.values(WORKFLOWS)) expect(page).toContain(`| \`${name}\` |`);
  });

  test('its search attributes are those that are registered', () => {
    const named = new Set(page.match(/\bTollgate[A-Z]\w+/g));
    expect([...named].sort()).toEqual(SEARCH_ATTRIBUTES.map(({ name }) => name).sort());
  });
});

test('the directory of the documentation is the one that is shipped', () => {
  expect(load(readDocument('config/directory.yaml'))).toMatchObject({
    people: expect.arrayContaining([{ id: 'dana@company.com', manager: 'bob@company.com', teams: ['CC-001234'] }]),
  });
});
