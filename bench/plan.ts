import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { loadConfig } from '../src/config.js';
import { startPostgres } from '../src/local/postgres.js';
import { prepareDatabase } from '../src/local/prepare-database.js';
import { freePort, listens } from '../src/local/processes.js';
import { packageRoot } from '../src/package-root.js';
import { planOf } from './plans.js';
import { type Figure, printFigures } from './table.js';

const WARM_UP = 60;
const ASKED = 300;
const LARGE_ASKED = 12;
const MB = 1_000_000;
/** Of which every third is an instance with a volume: 10,000 resources, the most that a plan may have. */
const MOST_CHANGES = 7_500;

/** `POST /v1/evaluate/terraform`: 200 resources by 100 policies, a plan of 10 MB, and one of 10,000 resources; with and without a budget. */
export async function benchPlan(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'tollgate-bench-'));
  const postgres = await startPostgres({ directory: join(directory, 'postgres') });
  try {
    const figures: Figure[] = [];
    for (const withBudget of [false, true]) {
      const databaseUrl = await postgres.database(withBudget ? 'held' : 'plain');
      figures.push(...(await measure(directory, databaseUrl, withBudget)));
    }
    printFigures('plan: Terraform, 100 policies', figures);
  } finally {
    await postgres.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measure(directory: string, databaseUrl: string, withBudget: boolean): Promise<readonly Figure[]> {
  const policies = join(directory, withBudget ? 'with-budget' : 'without');
  writePolicies(policies, withBudget);
  const port = await freePort();
  const env = {
    ...process.env,
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    TOLLGATE_DATA_DIR: directory,
    TOLLGATE_POLICIES: policies,
    TOLLGATE_PORT: String(port),
    TOLLGATE_LOG_LEVEL: 'error',
  };
  const { token } = await prepareDatabase(loadConfig(env), databaseUrl, { acceleration: null, say: () => {} });
  const server = fork(join(packageRoot, 'bench', 'plan-server.ts'), {
    env,
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  try {
    while (!(await listens(port, '127.0.0.1'))) await new Promise((next) => setTimeout(next, 50));
    const ask = asker(port, token);
    await untilAnswers(ask);
    return await figuresOf(server, ask, withBudget ? 'with a budget hold' : 'without a budget');
  } finally {
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
}

/** Answers in so many ms. */
type Ask = (plan: Buffer) => Promise<number>;

async function figuresOf(server: ChildProcess, ask: Ask, how: string): Promise<readonly Figure[]> {
  const small = Buffer.from(planOf(200));
  await repeat(WARM_UP, () => ask(small));
  return [
    await figureOf(`200 changes, ${size(small)}, ${how}`, server, () => repeat(ASKED, () => ask(small))),
    await largeFigureOf('1,000 changes among those that stay', Buffer.from(planOf(1_000, 10 * MB)), { server, ask, how }),
    await largeFigureOf('10,000 resources that change', Buffer.from(planOf(MOST_CHANGES)), { server, ask, how }),
  ];
}

interface Measured {
  readonly server: ChildProcess;
  readonly ask: Ask;
  readonly how: string;
}

async function largeFigureOf(name: string, plan: Buffer, { server, ask, how }: Measured): Promise<Figure> {
  await repeat(2, () => ask(plan));
  return figureOf(`${name}, ${size(plan)}, ${how}`, server, () => repeat(LARGE_ASKED, () => ask(plan)));
}

function size({ length }: Buffer): string {
  return length < MB ? `${(length / 1_000).toFixed(0)} kB` : `${(length / MB).toFixed(0)} MB`;
}

async function figureOf(name: string, server: ChildProcess, measure: () => Promise<readonly number[]>): Promise<Figure> {
  await longestBlock(server);
  return figure(name, await measure(), await longestBlock(server));
}

async function repeat(times: number, ask: () => Promise<number>): Promise<readonly number[]> {
  const taken: number[] = [];
  for (let count = 0; count < times; count += 1) taken.push(await ask());
  return taken.sort((a, b) => a - b);
}

function figure(name: string, sorted: readonly number[], block: number): Figure {
  const at = (share: number) => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(1);
  return { name, value: `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`, ratio: `event loop stood still for ${block.toFixed(1)} ms at most` };
}

/** The server also says when it is ready, which waits here until somebody listens. */
async function longestBlock(server: ChildProcess): Promise<number> {
  server.send('tell');
  for (;;) {
    const [message] = (await once(server, 'message')) as [unknown];
    if (typeof message === 'number') return message;
  }
}

/** It listens before it has read its policies. */
async function untilAnswers(ask: Ask): Promise<void> {
  const plan = Buffer.from(planOf(1));
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const answered = await ask(plan).catch(() => undefined);
    if (answered !== undefined) return;
    await new Promise((next) => setTimeout(next, 50));
  }
}

/** One request at a time over one connection, with as little work as possible on the core that the server shares. */
function asker(port: number, token: string): Ask {
  const agent = new Agent({ keepAlive: true, noDelay: true });
  return async (plan) => {
    const started = performance.now();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'content-length': plan.length };
    const asking = request({ agent, host: '127.0.0.1', port, path: '/v1/evaluate/terraform', method: 'POST', headers });
    asking.end(plan);
    const [response] = (await once(asking, 'response')) as [IncomingMessage];
    const answer = Buffer.concat((await response.toArray()) as Buffer[]);
    if (response.statusCode !== 200) throw new Error(`the server answered ${response.statusCode}: ${answer.toString()}`);
    return performance.now() - started;
  };
}

/** 98 policies that all apply and allow, and two of which one denies a fifth of the machines; with a budget these only warn. */
function writePolicies(folder: string, withBudget: boolean): void {
  mkdirSync(folder);
  for (let index = 0; index < 100; index += 1) {
    const last = index === 99;
    const spec = last && withBudget ? BUDGET : index % 2 === 0 ? LIMIT(index) : TAGS;
    const policy = { apiVersion: 'policy.oneuptime.com/v1', kind: 'CostPolicy', metadata: { name: `policy-${index}` }, spec };
    writeFileSync(join(folder, `${index}.yaml`), dump(policy));
  }
}

const LIMIT = (index: number) => ({
  type: 'ResourceLimit',
  rules: [
    {
      name: 'size',
      resource: 'compute/*',
      severity: index === 0 ? 'medium' : 'critical',
      constraint: { maxVCPUs: index === 0 ? 8 : 96, maxMemoryGB: 512 },
    },
    { name: 'volume', resource: 'storage/volume', constraint: { maxSizeGB: 1_000 } },
  ],
});
const TAGS = {
  type: 'TagRequirement',
  rules: [
    {
      name: 'tags',
      scope: ['compute/*', 'storage/*'],
      requiredTags: [
        { key: 'owner', pattern: '^[^@]+@company[.]com$' },
        { key: 'project', minLength: 2 },
      ],
    },
  ],
};
const BUDGET = {
  type: 'BudgetLimit',
  rules: [{ name: 'team', selector: { tags: { 'cost-center': 'CC-001234' } }, budget: { monthly: 1_000_000_000 } }],
};
