/** What holds for every command, found by walking the program. */
import { describe, expect, test } from 'vitest';
import { houseCommands } from '../../src/cli/house.js';
import { isOnThisMachine } from '../../src/cli/on-this-machine.js';
import { formatTable } from '../../src/cli/output.js';
import { createProgram } from '../../src/cli/program.js';
import { commandsOf, nameOf, problemsOf } from './command-line.js';
import { silentContext } from './context.js';

function tollgate(...args: string[]) {
  const context = silentContext();
  const program = createProgram(context, '1.2.3');
  houseCommands(program, context, {});
  const done = program.parseAsync(['node', 'tollgate', ...args]).then(
    () => 'ok',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  return { context, program, done };
}

const { program } = tollgate();
const commands = commandsOf(program).map((command) => [nameOf(command), command] as const);

test('there is a command for each thing that the API does for people', () => {
  const wanted =
    'start api worker migrate doctor evaluate scan violations report pause resume ' +
    'policy.validate policy.test policy.schema policy.list policy.show policy.diff policy.create policy.version policy.submit policy.review ' +
    'policy.activate policy.deprecate policy.archive remediation.list remediation.show remediation.approve remediation.postpone ' +
    'remediation.cancel remediation.retry remediation.undo exception.request exception.list exception.show exception.approve ' +
    'exception.reject exception.revoke exception.review token.create token.list token.revoke audit.list audit.verify import.focus ' +
    'approval.list approval.show approval.approve approval.reject budget.list budget.show hold.commit hold.release ' +
    'decision.list decision.show decision.replay';
  expect(commands.map(([name]) => name).sort()).toEqual(
    wanted
      .split(' ')
      .map((name) => `tollgate ${name.replace('.', ' ')}`)
      .sort(),
  );
});

describe.each(commands)('%s', (name, command) => {
  const words = name.split(' ').slice(1);

  test('says what it does, with an example that is true', async () => {
    const { context, done } = tollgate(...words, '--help');
    await done;
    const help = context.stdout();
    expect(command.description()).not.toBe('');
    const examples = [...help.matchAll(/^ {2}\$ (.*)$/gm)].map(([, line]) => line ?? '');
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      expect(example).toContain(name);
      expect(problemsOf(program, example)).toEqual([]);
    }
  });

  test('says what each of its options is', () => {
    for (const option of command.options) expect(option.description, option.flags).not.toBe('');
  });

  test('takes --json, before or after', async () => {
    for (const args of [
      [...words, '--json', '--help'],
      ['--json', ...words, '--help'],
    ]) {
      const { context, done } = tollgate(...args);
      await done;
      expect(context.stderr()).toBe('');
    }
  });
});

test('a command that does not exist is named, with the nearest that does', async () => {
  const { context, done } = tollgate('violation');
  await done;
  expect(context.stderr()).toContain("unknown command 'violation'");
  expect(context.stderr()).toContain('Did you mean violations?');
});

test.each([
  ['token create', "error: required option '--principal <id>' not specified", 'tollgate token create'],
  ['budget show team-budgets', "error: missing required argument 'rule'", 'tollgate budget show'],
  ['evaluate plan.json --formt json', "error: unknown option '--formt'", 'tollgate evaluate'],
  ['doctor --everything', "error: unknown option '--everything'", 'tollgate doctor'],
  ['budget shw', "error: unknown command 'shw'", 'tollgate budget'],
  ['no-such', "error: unknown command 'no-such'", 'tollgate'],
])('what is wrong with `tollgate %s` is said, and where its help is, no more', async (line, error, of) => {
  const { context, done } = tollgate(...line.split(' '));
  await done;
  const lines = context.stderr().trimEnd().split('\n');
  expect(lines[0]).toBe(error);
  expect(lines.at(-1)).toBe(`see \`${of} --help\``);
  expect(lines.slice(1, -1).filter((hint) => !hint.startsWith('(Did you mean'))).toEqual([]);
  expect(context.stdout()).toBe('');
});

test.each([
  [['evaluate', 'nofile.json'], 'cannot read `nofile.json`: there is no such file'],
  [['evaluate', 'src'], 'cannot read `src`: it is a folder'],
  [['evaluate', '--policies', 'nofolder', 'package.json'], 'cannot read `nofolder`: there is no such file or folder'],
  [['import', 'focus', 'nofile.csv'], 'cannot read `nofile.csv`: there is no such file'],
  [['policy', 'create', 'nofile.yaml'], 'cannot read `nofile.yaml`: there is no such file'],
  [['policy', 'validate', 'nofolder'], 'cannot read `nofolder`: there is no such file or folder'],
])('a file that cannot be read is told in the same words by %j', async (args, message) => {
  expect(await tollgate(...args).done).toBe(message);
});

test.each([
  ['violations', '--limit', '0', 'expected a whole number from 1 to 1000'],
  ['start', '--accelerate', '1.5', 'expected a whole number from 1'],
  ['exception', 'request', '--justification', 'x', '--days', '-1', 'expected a number of days above 0'],
  ['exception', 'request', '--justification', 'x', '--when-tag', 'owner', 'expected key=value'],
])('a wrong value is refused with what was expected: %s %s %s', async (...given) => {
  const { context, done } = tollgate(...given.slice(0, -1));
  await done;
  expect(context.stderr()).toContain(given.at(-1));
});

test('without a server the error says how to get one', async () => {
  const message = await tollgate('violations').done;
  expect(message).toContain('no Tollgate server answers GET at http://127.0.0.1:1');
  expect(message).toContain('`npm start`');
  expect(message).toContain('--server URL or TOLLGATE_URL');
});

test('an address that is none is refused', async () => {
  expect(await tollgate('--server', 'localhost:8080', 'violations').done).toContain('`localhost:8080` is no address of a server');
});

test.each([
  ['http://127.0.0.1:8080', true],
  ['http://localhost:8080/', true],
  ['http://[::1]:8080', true],
  ['http://127.0.0.1.example.com', false],
  ['http://localhost@example.com', false],
  ['https://tollgate.example.com', false],
  ['nonsense', false],
])('the admin token of this machine goes to %s: %s', (server, sent) => {
  expect(isOnThisMachine(server)).toBe(sent);
});

describe('a table', () => {
  const columns = [
    ['ID', 'id'],
    ['RESOURCE', 'resource'],
    ['STATUS', 'status'],
  ] as const;
  const rows = [{ id: 'vio_0123456789012345', resource: `arn:${'x'.repeat(100)}:end`, status: 'open' }];

  test('is whole in a pipe', () => {
    expect(formatTable(columns, rows)).toContain(rows[0]?.resource);
  });

  test('holds nothing that a terminal would act on', () => {
    const resource = 'a\u001b]0;title\u0007b\nc\u009bd';
    const table = formatTable([...columns, ['AGAIN', (row) => String(row['resource'])]], [{ id: '1', resource, status: [resource] }]);
    expect(table.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(table).toContain('a ]0;title b c d');
  });

  test('is as wide as the terminal, both ends of a cell shown and ids whole', () => {
    const table = formatTable(columns, rows, 80);
    expect(Math.max(...table.split('\n').map((line) => line.length))).toBe(80);
    expect(table).toMatch(/vio_0123456789012345 {2}arn:x+…x+:end {2}open/);
  });

  test('stays readable on a terminal that is too narrow for it', () => {
    expect(formatTable(columns, rows, 20)).toMatch(/vio_0123456789012345 {2}arn:xx…x:end {2}open/);
  });
});
