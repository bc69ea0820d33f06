import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/** `match` and the rules compile patterns, so they use re2js and are not for workflows. */
const CORE = ['policy', 'policy/match', 'errors'];

/**
 * Who may import whom, and which packages. A part is the first of `PARTS` that matches a file. `types:x` allows `import type` only.
 * What is not named here is not allowed.
 */
const TABLE: Readonly<Record<string, { readonly ours: readonly string[]; readonly npm: readonly string[] }>> = {
  errors: { ours: [], npm: [] },
  ids: { ours: [], npm: ['uuidv7'] },
  'package-root': { ours: [], npm: [] },

  policy: { ours: ['policy/match'], npm: [] },
  'policy/match': { ours: ['policy'], npm: ['re2js', 'temporal-polyfill'] },
  'policy/documents': { ours: ['policy', 'policy/match'], npm: ['zod', 'js-yaml', 're2js'] },
  intake: { ours: [...CORE, 'policy/documents'], npm: ['zod', 'js-yaml'] },
  report: { ours: CORE, npm: [] },
  'notify/words': { ours: ['policy', 'errors'], npm: [] },

  notify: { ours: ['policy', 'errors', 'notify/words'], npm: ['pino'] },
  store: {
    ours: [...CORE, 'policy/documents', 'report', 'ids', 'package-root'],
    npm: ['pg', 'node-pg-migrate', 'pg-copy-streams'],
  },
  // The simulated cloud is in PostgreSQL; the catalog makes the look-ups that the doors ask for.
  cloud: { ours: [...CORE, 'store', 'ids', 'package-root', 'types:intake'], npm: ['zod'] },

  'workflows/messages': { ours: ['policy', 'errors'], npm: ['@temporalio/common', '@temporalio/workflow'] },
  workflows: { ours: ['policy', 'errors', 'workflows/messages', 'types:activities'], npm: ['@temporalio/workflow', '@temporalio/common'] },
  activities: {
    ours: [...CORE, 'policy/documents', 'report', 'store', 'ids', 'notify/words', 'workflows/messages', 'types:cloud', 'types:notify'],
    npm: ['@temporalio/activity', '@temporalio/client', '@temporalio/common'],
  },

  // The wire shapes: the API's, and the command line's when it evaluates without a server.
  'api/contract': { ours: [...CORE, 'types:store'], npm: ['zod'] },
  api: {
    ours: [
      ...CORE,
      'policy/documents',
      'intake',
      'report',
      'store',
      'ids',
      'notify/words',
      'package-root',
      'api/contract',
      'workflows/messages',
      'types:workflows',
      'types:cloud',
    ],
    npm: [
      'express',
      'express-rate-limit',
      'helmet',
      'zod',
      '@asteasolutions/zod-to-openapi',
      'prom-client',
      'swagger-ui-dist',
      '@temporalio/client',
      '@temporalio/common',
    ],
  },
  cli: { ours: [...CORE, 'policy/documents', 'intake', 'report', 'ids', 'api/contract'], npm: ['commander', 'cli-table3', 'js-yaml'] },
};

/** Entry points, and what runs them: they may import anything, and only they read the environment; nobody else imports them. */
const OUTERMOST = [/^src\/(server|worker|config|log)\.ts$/, /^src\/cli\/(main|house)\.ts$/, /^src\/(local|runtime|config)\//];

const PARTS: readonly (readonly [part: string, files: RegExp])[] = [
  ['errors', /^src\/errors\.ts$/],
  ['ids', /^src\/ids\.ts$/],
  ['package-root', /^src\/package-root\.ts$/],
  ['policy/documents', /^src\/policy\/(schema|parse)[\w-]*\.ts$/],
  ['policy/match', /^src\/policy\/(match|pattern)\.ts$|^src\/policy\/rules\//],
  ['policy', /^src\/policy\//],
  ['intake', /^src\/intake\//],
  ['report', /^src\/report\//],
  ['notify/words', /^src\/notify\/([\w-]+-)?words\.ts$/],
  ['notify', /^src\/notify\//],
  ['cloud', /^src\/cloud\//],
  ['store', /^src\/store\//],
  ['workflows/messages', /^src\/workflows\/([\w-]+-)?messages\.ts$/],
  ['activities', /^src\/activities\//],
  ['workflows', /^src\/workflows\//],
  ['api/contract', /^src\/api\/(contract\/|input\.ts)/],
  ['api', /^src\/api\//],
  ['cli', /^src\/cli\//],
];

/** Parts whose code may run inside a workflow or a pure function: no Node built-in. */
const NO_BUILTINS = ['policy', 'policy/match', 'policy/documents', 'intake', 'report', 'notify/words', 'workflows', 'workflows/messages'];

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => `src/${name}`)
  .sort();
const sources = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));

const isOutermost = (file: string) => OUTERMOST.some((pattern) => pattern.test(file));
const partOf = (file: string) => PARTS.find(([, pattern]) => pattern.test(file))?.[0];
const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');

function importsOf(file: string): Import[] {
  const text = withoutComments(sources.get(file) ?? '');
  const statements = [...text.matchAll(/^(?:import|export)\s+(type\s)?([^;'"]*?from\s+)?['"]([^'"]+)['"]/gm)];
  const dynamic = [...text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)];
  return [
    ...statements.map(([, type, names, target]) => ({
      file,
      target: resolveTarget(file, target ?? ''),
      typeOnly: type !== undefined || onlyTypes(names),
    })),
    ...dynamic.map(([, target]) => ({ file, target: resolveTarget(file, target ?? ''), typeOnly: false })),
  ];
}

/** `{ type A, type B }`. */
function onlyTypes(names: string | undefined): boolean {
  const inner =
    /^\{([^}]*)\}/
      .exec(names ?? '')?.[1]
      ?.split(',')
      .map((name) => name.trim()) ?? [];
  const given = inner.filter((name) => name !== '');
  return given.length > 0 && given.every((name) => name.startsWith('type '));
}

function resolveTarget(file: string, target: string): string {
  if (!target.startsWith('.')) return target;
  return relative(root, join(root, dirname(file), target)).replace(/\.js$/, '.ts');
}

const isBuiltin = (target: string) => target.startsWith('node:') || builtinModules.includes(target);
const packageOf = (target: string) =>
  target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/');

/** Why the table forbids the import; undefined when it is allowed. */
function objection({ file, target, typeOnly }: Import): string | undefined {
  const part = partOf(file) ?? '';
  const allowed = TABLE[part];
  if (allowed === undefined) return `${file} belongs to no part`;
  if (target.startsWith('src/')) {
    if (isOutermost(target)) return `${file} imports ${target}: nobody imports entry points`;
    const other = partOf(target) ?? '';
    if (other === part || allowed.ours.includes(other) || (typeOnly && allowed.ours.includes(`types:${other}`))) return undefined;
    return `${file} imports ${target}: ${part} may not import ${other}${allowed.ours.includes(`types:${other}`) ? ' but for its types' : ''}`;
  }
  if (isBuiltin(target)) return NO_BUILTINS.includes(part) ? `${file} imports ${target}: no Node built-in in ${part}` : undefined;
  return typeOnly || allowed.npm.includes(packageOf(target)) ? undefined : `${file} imports ${target}: ${part} may not use this package`;
}

describe('the import table', () => {
  test('every import is one that the table allows', () => {
    const inner = files.filter((file) => !isOutermost(file));
    expect(
      inner
        .flatMap(importsOf)
        .map(objection)
        .filter((found) => found !== undefined),
    ).toEqual([]);
  });

  test('the scan sees all forms of import', () => {
    const forms = `import a from 'a';\nimport type { B } from 'b';\nimport { type C } from "c";\nimport 'd';\nexport * from 'e';\nconst f = await import('f');\nimport {\n  g,\n} from 'g';\n// import h from 'h';`;
    sources.set('src/policy/forms.ts', forms);
    const found = importsOf('src/policy/forms.ts');
    sources.delete('src/policy/forms.ts');
    expect(found.map(({ target }) => target).sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    expect(found.filter(({ typeOnly }) => typeOnly).map(({ target }) => target)).toEqual(['b', 'c']);
  });

  test('it objects to what it forbids', () => {
    const wrong: Import[] = [
      { file: 'src/policy/evaluate.ts', target: 'node:fs', typeOnly: false },
      { file: 'src/policy/evaluate.ts', target: 'src/store/db.ts', typeOnly: true },
      { file: 'src/policy/evaluate.ts', target: 'zod', typeOnly: false },
      { file: 'src/workflows/remediation.ts', target: 'src/activities/index.ts', typeOnly: false },
      { file: 'src/workflows/remediation.ts', target: 'src/policy/parse.ts', typeOnly: false },
      { file: 'src/activities/remediation.ts', target: 'src/cloud/provider.ts', typeOnly: false },
      { file: 'src/api/app.ts', target: 'src/server.ts', typeOnly: false },
      { file: 'src/elsewhere/file.ts', target: 'zod', typeOnly: false },
    ];
    expect(wrong.map(objection).filter((found) => found === undefined)).toEqual([]);
  });
});

describe('the house rules', () => {
  test('only entry points and what runs them read the environment', () => {
    const readers = files.filter((file) => !isOutermost(file) && /\bprocess\.env\b/.test(withoutComments(sources.get(file) ?? '')));
    expect(readers).toEqual([]);
  });

  test('update validators are synchronous: an async one cannot refuse and leaves its workflow stuck', () => {
    const asynchronous = files.filter((file) => /validator\s*:\s*async\b|async\s+validator\b/.test(sources.get(file) ?? ''));
    expect(asynchronous).toEqual([]);
  });

  test('workflows/index.ts exports workflow functions and nothing else: each export is registered', () => {
    const lines = withoutComments(sources.get('src/workflows/index.ts') ?? '')
      .split('\n')
      .filter((line) => line.trim() !== '');
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.filter((line) => !/^export \{ \w+(, \w+)* \} from '\.\/[\w-]+\.js';$/.test(line))).toEqual([]);
  });

  test('the core has no barrel', () => {
    expect(files.filter((file) => /^src\/policy\/(.*\/)?index\.ts$/.test(file))).toEqual([]);
  });

  test('no file is longer than 300 lines, but the two that are vocabulary only', () => {
    const vocabulary = ['src/policy/model.ts', 'src/policy/records.ts'];
    const long = files
      .filter((file) => !vocabulary.includes(file))
      .map((file) => [file, (sources.get(file) ?? '').trimEnd().split('\n').length] as const)
      .filter(([, lines]) => lines > 300);
    expect(long).toEqual([]);
  });

  test('file names are kebab-case', () => {
    expect(files.filter((file) => !/^src\/([a-z0-9-]+\/)*[a-z0-9-]+\.ts$/.test(file))).toEqual([]);
  });
});
