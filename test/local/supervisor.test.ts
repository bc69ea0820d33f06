import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runningOn } from '../../src/local/claim.js';
import { isRunning } from '../../src/local/processes.js';
import { runSupervisor } from '../../src/local/supervisor.js';
import { packageRoot } from '../../src/package-root.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const main = join(packageRoot, 'dist/cli/main.js');

interface Started {
  readonly process: ChildProcess;
  readonly output: () => string;
  /** Exit code, once it has ended. */
  readonly ended: Promise<number | null>;
}

function start(dataDir: string, ...args: string[]): Started {
  const env = { ...process.env, TOLLGATE_DATA_DIR: dataDir, TOLLGATE_PORT: '0' };
  const child = spawn(process.execPath, [main, 'start', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)));
  return { process: child, output: () => output, ended: new Promise((resolve) => child.once('exit', resolve)) };
}

/** Waits for `condition`; the test's own time limit ends it, with what was shown until then. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(50);
}

const shows = (started: Started, words: string) => until(() => started.output().includes(words) || started.process.exitCode !== null);

// Starting processes takes as long as the machine is busy; nothing here depends on how long.
describe('the whole house on one machine', { timeout: 180_000 }, () => {
  let dataDir: string;
  let house: Started;
  const url = () => runningOn(dataDir)?.url ?? '';
  const isReady = () =>
    fetch(`${url()}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
  /** Pid in the last line that the process logged. */
  const loggedPid = (log: string) => Number([...readFileSync(join(dataDir, log), 'utf8').matchAll(/"pid":(\d+)/g)].at(-1)?.[1]);
  const serverPids = () => [
    Number(readFileSync(join(dataDir, 'postgres/postmaster.pid'), 'utf8').split('\n')[0]),
    (JSON.parse(readFileSync(join(dataDir, 'temporal.pid'), 'utf8')) as { pid: number }).pid,
  ];
  const allPids = () => [loggedPid('server.log'), loggedPid('worker.log'), ...serverPids()];

  beforeAll(async () => {
    // What `npm start` does first; nothing when it is up to date.
    execFileSync(process.execPath, [join(packageRoot, 'scripts/build.js')]);
    dataDir = mkdtempSync(join(tmpdir(), 'tollgate-test-'));
    chmodSync(dataDir, 0o755);
    house = start(dataDir);
    await shows(house, 'ready in');
  }, 180_000);
  afterAll(async () => {
    house.process.kill('SIGTERM');
    await house.ended;
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('it shows a line with an address for each part, and the admin token', () => {
    const token = readFileSync(join(dataDir, 'admin-token'), 'utf8').trim();
    for (const words of [
      'PostgreSQL   127.0.0.1:',
      'Temporal     127.0.0.1:',
      'UI http://127.0.0.1:',
      `API          ${url()}`,
      'worker',
      token,
    ]) {
      expect(house.output()).toContain(words);
    }
    expect(statSync(join(dataDir, 'admin-token')).mode & 0o777).toBe(0o600);
  });

  test('the token opens the API', async () => {
    const token = readFileSync(join(dataDir, 'admin-token'), 'utf8').trim();
    const ask = (authorization: string) =>
      fetch(`${url()}/v1/policies`, { headers: { authorization } }).then((response) => response.status);
    expect(await ask(`Bearer ${token}`)).toBe(200);
    expect(await ask('Bearer tg_wrong')).toBe(401);
  });

  test('the first scan ends and shows its summary', async () => {
    await shows(house, 'first scan   completed');
    expect(house.output()).toMatch(/first scan {3}completed in .* s: \d+ resources, \d+ violations, score/);
  });

  test('a second start on the same data is refused, and says where the first one runs', async () => {
    const second = start(dataDir);
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`Tollgate is running already at ${url()}`);
  });

  test.each(['server.log', 'worker.log'])('a killed process (%s) is started again', async (log) => {
    const before = loggedPid(log);
    process.kill(before, 'SIGKILL');
    await until(() => loggedPid(log) !== before);
    await until(isReady);
    expect(isRunning(loggedPid(log))).toBe(true);
  });

  test('killed servers are started again at the same addresses, and the API recovers without a restart', async () => {
    const api = loggedPid('server.log');
    const before = serverPids();
    for (const pid of before) process.kill(pid, 'SIGKILL');
    await shows(house, 'PostgreSQL is back');
    await shows(house, 'Temporal is back');
    await until(isReady);
    expect(serverPids()).not.toEqual(before);
    expect(loggedPid('server.log')).toBe(api);
  });

  test('kill -9 of the supervisor leaves nothing running, and the next start has the same data', async () => {
    const pids = allPids();
    house.process.kill('SIGKILL');
    await house.ended;
    await until(() => !pids.some(isRunning));
    const token = readFileSync(join(dataDir, 'admin-token'), 'utf8');
    house = start(dataDir);
    await shows(house, 'ready in');
    await until(isReady);
    expect(readFileSync(join(dataDir, 'admin-token'), 'utf8')).toBe(token);
    expect(house.output()).not.toContain('activated');
  });

  test('SIGTERM stops everything, exit code 0', async () => {
    const pids = allPids();
    house.process.kill('SIGTERM');
    expect(await house.ended).toBe(0);
    expect(pids.filter(isRunning)).toEqual([]);
    expect(runningOn(dataDir)).toBeUndefined();
  });
});

describe('the demonstration clock', () => {
  const run = (acceleration: number, settings = '') => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'settings.yaml'), settings);
    const env = { TOLLGATE_SETTINGS: join(directory, 'settings.yaml'), TOLLGATE_DATA_DIR: join(directory, 'data') };
    return runSupervisor({ acceleration, env, say: () => {} });
  };

  test('is refused where a real cloud is configured', async () => {
    const settings = 'accounts: [{ provider: aws, account: "*", mode: observe }]\n';
    await expect(run(2, settings)).rejects.toThrow('for the simulated cloud only, and the settings name provider `aws`');
  });

  test.each([0, 1.5, -3])('is refused for %d', async (acceleration) => {
    await expect(run(acceleration)).rejects.toThrow('takes a whole number from 1');
  });
});
