/** `tollgate doctor` asks the server whether it is there and takes the token. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { houseCommands } from '../../src/cli/house.js';
import { createProgram } from '../../src/cli/program.js';
import type { DoctorCheck } from '../../src/local/doctor.js';
import { createWorld, type World } from '../api/world.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { silentContext } from './context.js';

let world: World;
beforeAll(async () => {
  world = await createWorld({ worker: false });
});
afterAll(() => world.close());

const NOWHERE = 'http://127.0.0.1:1';

/** What doctor says of server and token; `found` is the token that lies in the data directory. */
async function doctor(given: { url?: string; token?: string; found?: string; args?: readonly string[] }) {
  const { url = '', token = '', found, args = [] } = given;
  const context = silentContext({ defaultServer: url || NOWHERE, findToken: () => token || found });
  const program = createProgram(context, '0.0.0');
  const env = { TOLLGATE_DATA_DIR: temporaryDirectory(), TOLLGATE_PORT: '1', TOLLGATE_URL: url, TOLLGATE_TOKEN: token };
  houseCommands(program, context, { ...process.env, ...env });
  await program.parseAsync(['node', 'tollgate', 'doctor', '--json', ...args]);
  const checks = (JSON.parse(context.stdout()) as DoctorCheck[]).filter(({ name }) => name === 'server' || name === 'token');
  return { checks: checks.map(({ name, ok, message }) => [name, ok, message]), code: context.exitCode() };
}

test('a server that answers and a token that it knows are well, and who that is is said', async () => {
  const answers = ['server', true, `answers at ${world.url}`];
  const { checks, code } = await doctor({ url: world.url, token: world.tokens.deployer });
  expect({ checks, code }).toEqual({ checks: [answers, ['token', true, '`deployer@company.com`, who is no admin']], code: 0 });
  expect((await doctor({ url: world.url, found: world.tokens.admin })).checks).toEqual([answers, ['token', true, 'of an admin']]);
  const options = ['--server', world.url, '--token', world.tokens.admin];
  expect((await doctor({ args: options })).checks).toEqual([answers, ['token', true, 'of an admin']]);
});

test.each([
  ['wrong', 'not known there, or expired, or revoked'],
  ['', 'none is given'],
])('a token that is %j is missing', async (token, message) => {
  const { checks, code } = await doctor({ url: world.url, token });
  expect(checks).toEqual([
    ['server', true, `answers at ${world.url}`],
    ['token', false, message],
  ]);
  expect(code).toBe(1);
});

test('a server that is named and away is missing, and nothing is said of the token', async () => {
  for (const given of [{ url: NOWHERE }, { token: 't' }]) {
    const { checks, code } = await doctor(given);
    expect(checks).toEqual([['server', false, expect.stringContaining(`no Tollgate server answers GET at ${NOWHERE}`)]]);
    expect(code).toBe(1);
  }
});

test('where none is named none has to run', async () => {
  expect((await doctor({ found: 'of the last run' })).checks).toEqual([['server', true, `none runs at ${NOWHERE}`]]);
  expect((await doctor({})).checks).toEqual([]);
});
