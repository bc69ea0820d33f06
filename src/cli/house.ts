import { type Command, InvalidArgumentError } from 'commander';
import { checkServer } from './check-server.js';
import { type CliContext, invocationOf } from './context.js';
import { EXIT } from './exit-code.js';
import { withExamples } from './list-options.js';
import { printJson } from './output.js';

/** The commands that run the house itself. Each loads what it needs when it is called, so that `--help` and the others stay quick. */
export function houseCommands(program: Command, context: CliContext, env: NodeJS.ProcessEnv): void {
  const start = program
    .command('start')
    .description('run everything on this machine: PostgreSQL, Temporal, API, worker, a simulated cloud')
    .option('--accelerate <n>', 'divide every waiting length by this whole number', parseAcceleration, 1)
    .action(async ({ accelerate }: { accelerate: number }) => {
      const { runSupervisor } = await import('../local/supervisor.js');
      await runSupervisor({ acceleration: accelerate, env, say: (line) => context.out(`${line}\n`) });
    });
  withExamples(start, 'tollgate start', 'tollgate start --accelerate 3600');

  const api = program
    .command('api')
    .description('run the API (DATABASE_URL, TEMPORAL_ADDRESS)')
    .action(async () => (await import('../server.js')).runServer(env));
  withExamples(api, 'DATABASE_URL=postgres://… TEMPORAL_ADDRESS=temporal:7233 tollgate api');

  const worker = program
    .command('worker')
    .description('run a worker (DATABASE_URL, TEMPORAL_ADDRESS)')
    .action(async () => (await import('../worker.js')).runWorker(env));
  withExamples(worker, 'DATABASE_URL=postgres://… TEMPORAL_ADDRESS=temporal:7233 tollgate worker');

  migrateCommand(program, context, env);
  doctorCommand(program, context, env);
}

function parseAcceleration(text: string): number {
  const acceleration = Number(text);
  if (!Number.isInteger(acceleration) || acceleration < 1) throw new InvalidArgumentError('expected a whole number from 1');
  return acceleration;
}

function migrateCommand(program: Command, context: CliContext, env: NodeJS.ProcessEnv): void {
  const migrate = program
    .command('migrate')
    .description('bring the database of DATABASE_URL to this version; activate the policy files when it has no policies')
    .action(async () => {
      const [{ loadConfig, requireDatabaseUrl }, { prepareDatabase }] = await Promise.all([
        import('../config.js'),
        import('../local/prepare-database.js'),
      ]);
      const config = loadConfig(env);
      await prepareDatabase(config, requireDatabaseUrl(config), { acceleration: null, say: (line) => context.out(`${line}\n`) });
    });
  withExamples(migrate, 'DATABASE_URL=postgres://… tollgate migrate');
}

function doctorCommand(program: Command, context: CliContext, env: NodeJS.ProcessEnv): void {
  const doctor = program
    .command('doctor')
    .description('what is missing here and how to get it, whether the server takes the token, and every setting with its default')
    .action(async (_options: unknown, command: Command) => {
      const { runDoctor } = await import('../local/doctor.js');
      const { options, api } = invocationOf(context, command);
      const server = options.server ?? context.defaultServer;
      const token = options.token ?? context.findToken(server);
      const isNamed = [env['TOLLGATE_URL'], env['TOLLGATE_TOKEN'], options.server, options.token].some(Boolean);
      const checks = [...(await checkServer(api, { server, token, isNamed })), ...(await runDoctor(env))];
      if (options.json === true) printJson(context, checks);
      else
        for (const { ok, name, message, remedy } of checks)
          context.out(`${ok ? 'ok  ' : 'MISS'}  ${name}: ${message}${remedy === null ? '' : `\n      ${remedy}`}\n`);
      if (checks.some((check) => !check.ok)) context.setExitCode(EXIT.couldNotRun);
    });
  withExamples(doctor, 'tollgate doctor', 'TOLLGATE_URL=https://… TOLLGATE_TOKEN=… tollgate doctor');
}
