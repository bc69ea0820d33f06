/** A run task from its receipt to its callback, on a real database and a real Temporal, with HCP played by a server of our own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, onTestFinished, test } from 'vitest';
import { defaultSettings } from '../../src/config/settings-file.js';
import { MINUTE } from '../../src/policy/durations.js';
import type { RunTaskEnd, RunTaskInput, RunTaskRequest } from '../../src/policy/run-task.js';
import { transaction } from '../../src/store/db.js';
import { getRunTask, getRunTaskToken, openRunTask } from '../../src/store/run-tasks.js';
import { SA_DEADLINE, SA_PHASE, WORKFLOWS, workflowIds } from '../../src/workflows/messages.js';
import { doorPolicies } from '../api/door-policies.js';
import { createWorld, readProblem, until, type World } from '../api/world.js';
import { recordHistory } from '../support/histories.js';
import { workflowBundle } from '../support/temporal.js';
import { createHcp, type Hcp, KEY, PLAN, requestOf, SMALL_PLAN, signatureOf, TOKEN } from './hcp.js';
import { createRunTaskWorker, TASK_QUEUE } from './run-task-worker.js';

let world: World;
let hcp: Hcp;
let api: Awaited<ReturnType<World['another']>>;
let bundle: { code: string };
beforeAll(async () => {
  world = await createWorld({ worker: false, policies: doorPolicies() });
  hcp = await createHcp();
  bundle = await workflowBundle();
  const settings = { ...defaultSettings(), runTasks: { origins: hcp.origins } };
  api = await world.another({ overrides: { runTaskKey: KEY, settings } });
});
afterAll(async () => {
  await world.close();
  await hcp.close();
});
beforeEach(() => {
  hcp.callbacks.length = 0;
  hcp.archiveCalls.length = 0;
  hcp.planRequests = 0;
  hcp.plan = PLAN;
  hcp.planAnswer = undefined;
  hcp.callbackAnswer = (res) => res.writeHead(200).end();
});

let count = 0;
const nextId = () => `taskrs-${++count}`;
const send = (body: unknown, signature?: string | null) => {
  const raw = typeof body === 'string' ? body : JSON.stringify(body);
  const header = signature === undefined ? signatureOf(raw) : signature;
  return api.ask('POST', '/v1/run-tasks', { token: null, raw, headers: header === null ? {} : { 'x-tfc-task-signature': header } });
};
const handleOf = (id: string) => world.client.workflow.getHandle(workflowIds.runTask(id));

let stopWorker = async () => {};
async function startWorker(): Promise<void> {
  const { pool } = world.database;
  const { namespace, nativeConnection } = world.temporal;
  const parts = { pool, client: world.client, connection: nativeConnection, namespace, origins: hcp.origins, workflowBundle: bundle };
  const { worker, close } = await createRunTaskWorker(parts);
  const running = worker.run();
  stopWorker = async () => {
    worker.shutdown();
    await running;
    await close();
  };
}

/** As the API opens and starts it, with lengths of a test. */
async function start(id: string, lengths: Partial<RunTaskInput> = {}, more: Partial<RunTaskRequest> = {}) {
  const at = Date.now();
  const request: RunTaskRequest = {
    id,
    stage: 'post_plan',
    callbackUrl: `${hcp.origin}/api/v2/task-results/${id}/callback`,
    planUrl: `${hcp.origin}/api/v2/plans/plan-1/json-output`,
    runId: `run-${id}`,
    createdBy: 'dana',
    isSpeculative: false,
    takesOutcomes: true,
    workspace: 'hashicorp/web',
    ...more,
  };
  await transaction(world.database.pool, (db) =>
    openRunTask(db, { request, token: TOKEN, receivedAt: at, expiresAt: at + 60 * MINUTE }, KEY),
  );
  const input: RunTaskInput = {
    id,
    judgeUntil: at + MINUTE,
    endsAt: at + 2 * MINUTE,
    progressEveryMs: MINUTE,
    heartbeatMs: 5_000,
    ...lengths,
  };
  return world.client.workflow.start(WORKFLOWS.runTask, { taskQueue: TASK_QUEUE, workflowId: workflowIds.runTask(id), args: [input] });
}

const detailsOf = async (handle: Pick<WorkflowHandle, 'query'>) =>
  (await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata')).currentDetails;

const statuses = () => hcp.callbacks.map(({ body }) => body.data.attributes.status);

describe('the request', () => {
  test('that verifies the address is answered, and nothing else happens', async () => {
    const raw = readFileSync(new URL('../fixtures/run-tasks/request-verification.json', import.meta.url), 'utf8');
    const answer = await send(raw);
    expect([answer.status, answer.body]).toEqual([200, '']);
    expect((await world.database.pool.query('select 1 from run_tasks')).rowCount).toBe(0);
  });

  test.each([
    ['without a signature', null],
    ['with an empty one', ''],
    ['signed with another key', 'other'],
    ['with a signature of another length', 'ab12'],
  ])('%s is 401, and nothing happens', async (_name, signature) => {
    const body = requestOf(hcp, nextId());
    readProblem(await send(body, signature === 'other' ? signatureOf(JSON.stringify(body), 'other key') : signature), 401);
    expect((await world.database.pool.query('select 1 from run_tasks')).rowCount).toBe(0);
  });

  test('is checked byte for byte: one more blank is another body', async () => {
    const text = JSON.stringify(requestOf(hcp, nextId()));
    readProblem(await send(`${text} `, signatureOf(text)), 401);
  });

  test('is 429 once an address has sent too many that are not signed, and a signed one is taken all the same', async () => {
    const settings = { ...defaultSettings(), runTasks: { origins: hcp.origins } };
    const other = await world.another({ overrides: { runTaskKey: KEY, settings, limits: { refusalsPerMinute: 2 } } });
    const verification = readFileSync(new URL('../fixtures/run-tasks/request-verification.json', import.meta.url), 'utf8');
    const ask = (signature: string) =>
      other.ask('POST', '/v1/run-tasks', { token: null, raw: verification, headers: { 'x-tfc-task-signature': signature } });
    const wrong = signatureOf(verification, 'other key');
    const answers = [await ask(''), await ask(signatureOf(verification)), await ask(wrong), await ask(wrong), await ask('')];
    expect(answers.map(({ status }) => status)).toEqual([401, 200, 401, 429, 429]);
    expect(answers[3]?.headers.get('retry-after')).toMatch(/^\d+$/);
    expect((await ask(signatureOf(verification))).status).toBe(200);
  });

  test('is answered with 404 where no key is set', async () => {
    const raw = JSON.stringify(requestOf(hcp, nextId()));
    const answer = await world.ask('POST', '/v1/run-tasks', { token: null, raw, headers: { 'x-tfc-task-signature': signatureOf(raw) } });
    expect(readProblem(answer, 404).detail).toContain('TOLLGATE_RUN_TASK_HMAC_KEY');
  });

  test('that leads to another host is refused, each address by name', async () => {
    const elsewhere = {
      task_result_callback_url: 'http://169.254.169.254/latest',
      plan_json_api_url: 'https://app.terraform.io.evil.example/plan',
    };
    const problem = readProblem(await send(requestOf(hcp, nextId(), elsewhere)), 400);
    expect(problem.errors.map(({ path }) => path)).toEqual(['task_result_callback_url', 'plan_json_api_url']);
  });

  test.each([
    ['another version', { payload_version: 2 }, 'payload_version'],
    ['no token', { access_token: '' }, 'access_token'],
    ['an id that is none', { task_result_id: '../x' }, 'task_result_id'],
  ])('with %s is refused', async (_name, more, path) => {
    expect(readProblem(await send(requestOf(hcp, nextId(), more)), 400).errors[0]?.path).toBe(path);
  });

  test('is 503 while Temporal is away, so that HCP tries again', async () => {
    const settings = { ...defaultSettings(), runTasks: { origins: hcp.origins } };
    const other = await world.another({ temporalAddress: '127.0.0.1:1', overrides: { runTaskKey: KEY, settings } });
    const raw = JSON.stringify(requestOf(hcp, nextId()));
    readProblem(await other.ask('POST', '/v1/run-tasks', { token: null, raw, headers: { 'x-tfc-task-signature': signatureOf(raw) } }), 503);
  });
});

describe('a run task', () => {
  beforeAll(startWorker);
  afterAll(() => stopWorker());

  test('is answered at once, judged, and called back once; a repeat of the request changes nothing', async () => {
    const id = nextId();
    const body = requestOf(hcp, id);
    expect((await send(body)).status).toBe(200);
    expect((await send(body)).status).toBe(200);
    const end = (await handleOf(id).result()) as RunTaskEnd;
    expect((await send(body)).status).toBe(200);

    const [callback] = hcp.callbacks;
    expect(hcp.callbacks).toHaveLength(1);
    expect(callback).toMatchObject({
      path: `/api/v2/task-results/${id}/callback`,
      authorization: `Bearer ${TOKEN}`,
      contentType: 'application/vnd.api+json',
    });
    expect(callback?.body.data.attributes).toEqual({
      status: 'failed',
      message: expect.stringMatching(
        /^Request denied due to policy violations \(1 violation, 0 warnings, .*aws_instance\.web\[1\]: Requested 64 vCPUs exceeds limit of 16.*; decision dec_/,
      ),
    });
    expect(end).toEqual({
      outcome: 'failed',
      decisionId: /decision (dec_\S+)$/.exec(end.message)?.[1],
      message: callback?.body.data.attributes.message,
    });
    expect(await detailsOf(handleOf(id))).toBe(`**failed**: HCP Terraform was told that it failed: \`${end.message}\``);
    // The archive's address is a secret of its own; the token is not for it.
    expect(hcp.archiveCalls.map(({ authorization }) => authorization)).toEqual([undefined]);
  });

  test('tells each finding as an outcome, in the shape that HCP prescribes', async () => {
    const id = nextId();
    const handle = await start(id);
    await handle.result();
    const body = hcp.callbacks[0]?.body;
    const { $schema: _draft06, ...schema } = JSON.parse(
      readFileSync(new URL('../fixtures/run-tasks/hcp-run-task-result.schema.json', import.meta.url), 'utf8'),
    ) as { $schema: string };
    const ajv = new Ajv({ strict: false, validateFormats: false, meta: false, validateSchema: false });
    const valid = ajv.compile(schema);
    expect(valid(body), JSON.stringify(valid.errors)).toBe(true);
    expect(valid({ data: { attributes: { status: 'errored' } } })).toBe(false);

    const documented = JSON.parse(readFileSync(new URL('../fixtures/run-tasks/callback-failed.json', import.meta.url), 'utf8')) as {
      data: { relationships: { outcomes: { data: { attributes: object }[] } } };
    };
    const known = Object.keys(documented.data.relationships.outcomes.data[0]?.attributes ?? {});
    const outcome = body?.data.relationships?.outcomes.data[0];
    expect(known).toEqual(expect.arrayContaining(Object.keys(outcome?.attributes ?? {})));
    expect(outcome).toMatchObject({
      type: 'task-result-outcomes',
      attributes: {
        description: 'aws_instance.web[1]: Requested 64 vCPUs exceeds limit of 16',
        tags: {
          Status: [{ label: 'Denied', level: 'error' }],
          Severity: [{ label: 'critical' }],
          Rule: [{ label: 'machine-limits/size' }],
        },
      },
    });
    await recordHistory(world.client, handle.workflowId, 'run-task-judged');
  });

  test('passes where nothing denies; its decision is in the log as that of the run’s creator', async () => {
    hcp.plan = SMALL_PLAN;
    const id = nextId();
    const handle = await start(id, {}, { isSpeculative: true });
    await handle.result();
    expect(statuses()).toEqual(['passed']);
    const decisionId = /decision (dec_\S+)$/.exec(hcp.callbacks[0]?.body.data.attributes.message ?? '')?.[1] ?? '';
    const { body } = await world.ask('GET', `/v1/decisions/${decisionId}`);
    expect(body).toMatchObject({ principal: 'system:run-task', requester: 'dana', dry_run: true });
  });

  test('keeps its token out of the history, and forgets it with the answer', async () => {
    const id = nextId();
    let release = () => {};
    hcp.planAnswer = (res) => {
      release = () => res.writeHead(302, { location: `${hcp.archive}/object/very-secret-signature` }).end();
    };
    const handle = await start(id);
    await until(
      async () => hcp.planRequests,
      (requests) => requests > 0,
    );
    expect(await getRunTaskToken(world.database.pool, id, KEY)).toBe(TOKEN);
    const { rows } = await world.database.pool.query<{ row: string }>('select t::text as row from run_tasks t where id = $1', [id]);
    expect(rows[0]?.row).not.toContain(Buffer.from(TOKEN).toString('hex'));
    await expect(getRunTaskToken(world.database.pool, id, 'another key')).rejects.toMatchObject({ code: 'invalid-configuration' });
    release();
    await handle.result();
    await expect(getRunTaskToken(world.database.pool, id, KEY)).rejects.toMatchObject({ code: 'not-found' });
    const history = JSON.stringify(await handle.fetchHistory(), (_key, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString() : value,
    );
    expect(history).toContain(id);
    expect(history).not.toContain(TOKEN);
    expect(history).not.toContain('very-secret-signature');
  });

  test('waits for a plan that is not ready, and for a host that stumbles', async () => {
    hcp.planAnswer = (res) => {
      if (hcp.planRequests === 1) res.writeHead(204).end();
      else if (hcp.planRequests === 2) res.writeHead(503).end();
      else {
        hcp.planAnswer = undefined;
        res.writeHead(302, { location: `${hcp.archive}/object/1` }).end();
      }
    };
    const handle = await start(nextId());
    expect(await handle.result()).toMatchObject({ outcome: 'failed' });
    expect(hcp.planRequests).toBe(3);
    expect(statuses()).toEqual(['failed']);
  }, 20_000);

  test('shows and says what keeps it from judging, and where it is', async () => {
    let isAway = true;
    hcp.planAnswer = (res) => {
      if (isAway) res.writeHead(503).end();
      else res.writeHead(200, { 'content-type': 'application/json' }).end(SMALL_PLAN);
    };
    const judgeUntil = Date.now() + MINUTE;
    const handle = await start(nextId(), { judgeUntil, progressEveryMs: 100 });
    const { origin } = new URL(hcp.origin);
    const phase = async () => (await handle.describe()).typedSearchAttributes.get(SA_PHASE);
    await until(phase, (now) => now === 'stalled');
    expect((await handle.describe()).typedSearchAttributes.get(SA_DEADLINE)).toEqual(new Date(judgeUntil));
    expect(await detailsOf(handle)).toBe(
      `**stalled**: the plan cannot be judged yet, it is tried again: ${origin} answered 503 for the plan\n\ngiven up at ${new Date(judgeUntil).toISOString()}`,
    );
    await until(
      async () => hcp.callbacks.at(-1)?.body.data.attributes,
      (said) => said?.status === 'running' && said.message === `Tollgate cannot judge the plan yet: ${origin} answered 503 for the plan`,
    );
    isAway = false;
    expect(await handle.result()).toMatchObject({ outcome: 'passed', decisionId: expect.stringMatching(/^dec_/) });
    expect(statuses().at(-1)).toBe('passed');
    expect(await phase()).toBe('passed');
    expect(await detailsOf(handle)).toMatch(/^\*\*passed\*\*: .* \(0 violations, \d+ warnings?, \d+ unknowns?\).*; decision dec_[^`]+`$/s);
    expect((await handle.describe()).typedSearchAttributes.get(SA_DEADLINE)).toBeUndefined();
    await recordHistory(world.client, handle.workflowId, 'run-task-stalled');
  }, 20_000);

  test('says that it goes on while it judges, and nothing after its end', async () => {
    let release = () => {};
    hcp.planAnswer = (res) => {
      release = () => res.writeHead(200, { 'content-type': 'application/json' }).end(SMALL_PLAN);
    };
    const handle = await start(nextId(), { progressEveryMs: 200 });
    await until(
      async () => hcp.callbacks.length,
      (calls) => calls >= 2,
    );
    release();
    expect(await handle.result()).toMatchObject({ outcome: 'passed' });
    expect(statuses().slice(0, 2)).toEqual(['running', 'running']);
    expect(statuses().at(-1)).toBe('passed');
    expect(statuses().filter((status) => status !== 'running')).toHaveLength(1);
    await recordHistory(world.client, handle.workflowId, 'run-task-slow');
  });

  test('fails in words when its time is over, whatever it waits for', async () => {
    hcp.planAnswer = () => {};
    const handle = await start(nextId(), { judgeUntil: Date.now() + 500 });
    expect(await handle.result()).toMatchObject({ outcome: 'failed', decisionId: null });
    expect(hcp.callbacks[0]?.body.data.attributes).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('it took too long'),
    });
    await recordHistory(world.client, handle.workflowId, 'run-task-too-late');
  });

  test.each([
    [
      'a plan that is refused',
      (res: Parameters<NonNullable<Hcp['planAnswer']>>[0]) => res.writeHead(403).end(),
      'answered 403 for the plan',
    ],
    [
      'a redirect to another host',
      (res: Parameters<NonNullable<Hcp['planAnswer']>>[0]) => res.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
      '`http://169.254.169.254`, which is not among `runTasks.hosts`',
    ],
    [
      'what is no plan',
      (res: Parameters<NonNullable<Hcp['planAnswer']>>[0]) => res.writeHead(200).end('{"values":1}'),
      'expected a Terraform or OpenTofu plan',
    ],
    [
      'redirects in a circle',
      (res: Parameters<NonNullable<Hcp['planAnswer']>>[0]) => res.writeHead(302, { location: '/again' }).end(),
      'more than 5 redirects',
    ],
  ])('fails at once for %s', async (_name, planAnswer, words) => {
    hcp.planAnswer = planAnswer;
    const handle = await start(nextId());
    expect(await handle.result()).toMatchObject({ outcome: 'failed', decisionId: null });
    expect(statuses()).toEqual(['failed']);
    expect(hcp.callbacks[0]?.body.data.attributes.message).toContain(words);
  });

  test('fails in words at a stage without a plan', async () => {
    const handle = await start(nextId(), {}, { stage: 'pre_plan', planUrl: null });
    expect(await handle.result()).toEqual({ outcome: 'nothing_to_judge', decisionId: null, message: expect.stringContaining('post-plan') });
    expect(hcp.callbacks[0]?.body.data.attributes).toMatchObject({ status: 'failed', message: expect.stringContaining('post-plan') });
    await recordHistory(world.client, handle.workflowId, 'run-task-nothing-to-judge');
  });

  test('calls back again when HCP stumbles, and gives up when HCP takes no answer', async () => {
    hcp.callbackAnswer = (res) => res.writeHead(hcp.callbacks.length === 1 ? 500 : 200).end();
    const id = nextId();
    const handle = await start(id);
    await handle.result();
    expect(statuses()).toEqual(['failed', 'failed']);

    hcp.callbackAnswer = (res) => res.writeHead(401).end();
    const late = nextId();
    const other = await start(late);
    expect(await other.result()).toMatchObject({ outcome: 'undelivered', decisionId: expect.stringMatching(/^dec_/) });
    await expect(getRunTaskToken(world.database.pool, late, KEY)).rejects.toMatchObject({ code: 'not-found' });
  }, 20_000);

  test('that an operator cancels still answers', async () => {
    hcp.planAnswer = () => {};
    const handle = await start(nextId());
    await until(
      async () => hcp.planRequests,
      (requests) => requests > 0,
    );
    await handle.cancel();
    await handle.result().catch((error: unknown) => {
      if (!(error instanceof WorkflowFailedError)) throw error;
    });
    expect(hcp.callbacks[0]?.body.data.attributes).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('an operator cancelled it'),
    });
  });
});

test('a worker killed in the middle is made up for by the next: one callback, with the final status', { timeout: 60_000 }, async () => {
  const { connectionString } = world.database;
  const { address, namespace } = world.temporal;
  const file = join(inject('runDirectory'), `run-task-${namespace}.js`);
  writeFileSync(file, bundle.code);
  const place = JSON.stringify({ address, namespace, connectionString, bundle: file, origins: hcp.origins });
  const launch = async (): Promise<ChildProcess> => {
    const script = fileURLToPath(new URL('worker-process.ts', import.meta.url));
    const worker = spawn(process.execPath, ['--import', 'tsx', script, place], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void worker.kill('SIGKILL'));
    if (worker.stdout !== null) await once(worker.stdout, 'data');
    return worker;
  };
  const kill = async (worker: ChildProcess): Promise<void> => {
    const exit = once(worker, 'exit');
    worker.kill('SIGKILL');
    await exit;
  };

  // The first request for the plan is never answered: the worker is killed while it waits.
  hcp.planAnswer = (res) => {
    if (hcp.planRequests > 1) res.writeHead(302, { location: `${hcp.archive}/object/1` }).end();
  };
  const id = nextId();
  const handle = await start(id, { heartbeatMs: 1_500 });
  let worker = await launch();
  await until(
    async () => hcp.planRequests,
    (requests) => requests === 1,
  );
  await kill(worker);
  worker = await launch();
  expect(await handle.result()).toMatchObject({ outcome: 'failed', decisionId: expect.stringMatching(/^dec_/) });
  await kill(worker);
  expect(hcp.planRequests).toBe(2);
  expect(statuses()).toEqual(['failed']);
  expect((await getRunTask(world.database.pool, id)).endedAt).toEqual(expect.any(Number));
});
