import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { expect, onTestFinished, test } from 'vitest';
import { defaultSettings } from '../../src/config/settings-file.js';
import { isRunning, stopProcess } from '../../src/local/processes.js';
import { startTemporalServer, type TemporalServer } from '../../src/local/temporal.js';
import { cachedTemporalCli, findTemporalCli, type TemporalCli } from '../../src/local/temporal-cli.js';
import { ensureSearchAttributes, prepareNamespace } from '../../src/runtime/namespace.js';
import { scanSchedule } from '../../src/runtime/standing-workflows.js';
import { connectTestTemporal } from '../support/temporal.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

async function theCli(): Promise<TemporalCli> {
  const cli = await findTemporalCli();
  if (cli === undefined) throw new Error('the global set-up has seen to it that there is one');
  return cli;
}

async function start(directory: string, frontend?: number): Promise<TemporalServer> {
  const ports = frontend === undefined ? { ui: null } : { frontend, ui: null };
  const server = await startTemporalServer({ cli: await theCli(), directory, ports });
  onTestFinished(() => server.stop());
  return server;
}

async function connect(address: string): Promise<Client> {
  const connection = await Connection.connect({ address });
  onTestFinished(() => connection.close());
  await prepareNamespace(connection, 'default');
  return new Client({ connection });
}

test('a workflow that waits survives kill -9 of the server', async () => {
  const directory = temporaryDirectory();
  const first = await start(directory);
  const before = await connect(first.address);
  await before.workflow.start('anything', { workflowId: 'waits', taskQueue: 'nobody' });
  await stopProcess(first.pid, 'SIGKILL', 0);
  const second = await start(directory, first.port);
  expect(second).toMatchObject({ origin: 'started', address: first.address });
  const after = await connect(second.address);
  expect((await after.workflow.getHandle('waits').describe()).status.name).toBe('RUNNING');
});

test('its namespace keeps closed workflows for 90 days and has our search attributes, however often it is prepared', async () => {
  const server = await start(temporaryDirectory());
  const { connection } = await connect(server.address);
  await prepareNamespace(connection, 'default');
  const { config } = await connection.workflowService.describeNamespace({ namespace: 'default' });
  expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(90 * 86_400);
});

test('the database file is named after the server version, since a file belongs to one', async () => {
  const directory = temporaryDirectory();
  await start(directory);
  expect(readdirSync(directory)).toContain(`temporal-${(await theCli()).serverVersion}.db`);
});

test('a healthy server on the same directory is taken over: two on one file would corrupt it', async () => {
  const directory = temporaryDirectory();
  const first = await start(directory);
  expect(await start(directory)).toMatchObject({ origin: 'attached', pid: first.pid });
});

test('a taken port is replaced by a free one', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  onTestFinished(() => void other.close());
  const { port } = other.address() as { port: number };
  expect((await start(temporaryDirectory(), port)).port).not.toBe(port);
});

test('a port that others count on is not replaced', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  onTestFinished(() => void other.close());
  const { port } = other.address() as { port: number };
  const cli = await findTemporalCli();
  if (cli === undefined) throw new Error('the run has installed one');
  const options = { cli, directory: temporaryDirectory(), ports: { frontend: port, ui: null, exact: true } };
  await expect(startTemporalServer(options)).rejects.toThrow(`port ${port}, where everybody looks for it, is taken`);
});

test('stop leaves no process', async () => {
  const server = await start(temporaryDirectory());
  await server.stop();
  expect(isRunning(server.pid)).toBe(false);
});

test('a search attribute of ours that has another type is refused', async () => {
  const temporal = await connectTestTemporal();
  onTestFinished(() => temporal.close());
  const connection = temporal.client.connection as Connection;
  const namespace = `${temporal.namespace}-other`;
  await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: { seconds: 86_400 as never } });
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: { TollgatePhase: 3 } });
  await expect(ensureSearchAttributes(connection, namespace)).rejects.toThrow('search attribute `TollgatePhase`');
});

test('TEMPORAL_CLI_PATH goes before the PATH, which goes before the cache', async () => {
  const directory = temporaryDirectory();
  const fake = (path: string, version: string) => {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, `#!/bin/sh\necho 'temporal version 0.0.0-DEV (Server ${version}, UI 2.0.0)'\n`);
    chmodSync(path, 0o755);
    return path;
  };
  const env: NodeJS.ProcessEnv = { HOME: directory, PATH: join(directory, 'bin') };
  expect(await findTemporalCli(env)).toBeUndefined();
  const cached = fake(cachedTemporalCli(env), '1.0.1');
  expect(await findTemporalCli(env)).toEqual({ path: cached, serverVersion: '1.0.1', from: 'cache' });
  const onPath = fake(join(directory, 'bin/temporal'), '1.0.2');
  expect(await findTemporalCli(env)).toEqual({ path: onPath, serverVersion: '1.0.2', from: 'PATH' });
  const given = fake(join(directory, 'given'), '1.0.3');
  expect(await findTemporalCli({ ...env, TEMPORAL_CLI_PATH: given })).toEqual({
    path: given,
    serverVersion: '1.0.3',
    from: 'TEMPORAL_CLI_PATH',
  });
});

test('a TEMPORAL_CLI_PATH that is no Temporal CLI is refused, not passed over', async () => {
  await expect(findTemporalCli({ TEMPORAL_CLI_PATH: '/bin/true' })).rejects.toThrow('TEMPORAL_CLI_PATH names `/bin/true`');
});

test('the scan is daily at 02:00 UTC, a day ÷ N on an accelerated clock, and never oftener than every 10 s', () => {
  const settings = defaultSettings();
  expect(scanSchedule(settings, 1).spec).toEqual({ calendars: [{ hour: 2, minute: 0 }], timezone: 'UTC' });
  expect(scanSchedule(settings, 3_600).spec).toEqual({ intervals: [{ every: 24_000 }] });
  expect(scanSchedule(settings, 8_640).spec).toEqual({ intervals: [{ every: 10_000 }] });
  expect(scanSchedule(settings, 8_641).spec).toEqual({ intervals: [{ every: 10_000 }] });
});
