import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { NativeConnectionOptions } from '@temporalio/worker';
import { z } from 'zod';
import { parseDirectory } from './config/directory-file.js';
import { parseSettings, type SettingLine } from './config/settings-file.js';
import type { Parsed } from './config/yaml-file.js';
import { describeError, type Problem, TollgateError } from './errors.js';
import { packageRoot } from './package-root.js';
import type { Directory } from './policy/directory.js';
import type { Settings } from './policy/settings.js';

export interface TemporalConfig {
  /** For both kinds of connection; without an address, none is configured and `npm start` runs a server of its own. */
  readonly connectionOptions: NativeConnectionOptions;
  readonly namespace: string;
  /** Base of links into Temporal UI. */
  readonly uiUrl: string;
}

export interface Config {
  /** Null: none is given, and `npm start` runs a server of its own. */
  readonly databaseUrl: string | null;
  readonly temporal: TemporalConfig;
  readonly port: number;
  readonly host: string;
  /** Absolute. */
  readonly dataDir: string;
  readonly logLevel: LogLevel;
  /** Where a worker shows its metrics to Prometheus; null where it does not. */
  readonly metricsAddress: string | null;
  /** Of HCP Terraform's run tasks; null where they are not configured. */
  readonly runTaskKey: string | null;
  /** Of a bill that is imported. */
  readonly importBytes: number;
  /** Whether a decision is written before it is answered, or at once after. */
  readonly decisionLog: 'durable' | 'relaxed';
  readonly settings: Settings;
  readonly settingLines: readonly SettingLine[];
  readonly directory: Directory;
  readonly files: { readonly settings: string; readonly directory: string; readonly policies: string };
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const DECISION_LOGS = ['durable', 'relaxed'] as const;

const port = (fallback: number) =>
  z
    .string()
    .regex(/^\d{1,5}$/, 'expected a port number')
    .transform(Number)
    .refine((value) => value <= 65_535, 'expected a port number up to 65535')
    .default(fallback);
const url = (protocol: RegExp, example: string) => z.url({ protocol, error: `expected an address such as ${example}` });

const environment = z.object({
  DATABASE_URL: url(/^postgres(ql)?$/, '`postgres://user:password@host:5432/tollgate`').optional(),
  TOLLGATE_PORT: port(8080),
  TOLLGATE_HOST: z.string().default('127.0.0.1'),
  TOLLGATE_DATA_DIR: z.string().default('.tollgate'),
  TOLLGATE_SETTINGS: z.string().optional(),
  TOLLGATE_DIRECTORY: z.string().optional(),
  TOLLGATE_POLICIES: z.string().optional(),
  TOLLGATE_LOG_LEVEL: z.enum(LOG_LEVELS, `expected one of ${LOG_LEVELS.join(', ')}`).default('info'),
  TOLLGATE_METRICS_ADDRESS: z
    .string()
    .regex(/^[^\s:]+:\d{1,5}$/, 'expected an address such as `0.0.0.0:9464`')
    .optional(),
  TOLLGATE_RUN_TASK_HMAC_KEY: z
    .string()
    .min(16, 'expected at least 16 characters')
    .max(1_000, 'expected at most 1000 characters')
    .optional(),
  TOLLGATE_IMPORT_LIMIT_MB: z
    .string()
    .regex(/^[1-9]\d{0,6}$/, 'expected a whole number of megabytes')
    .transform(Number)
    .default(2_048),
  TOLLGATE_DECISION_LOG: z.enum(DECISION_LOGS, `expected one of ${DECISION_LOGS.join(', ')}`).default('durable'),
  TOLLGATE_TEMPORAL_UI_URL: url(/^https?$/, '`http://127.0.0.1:8233`').default('http://127.0.0.1:8233'),
});

/**
 * Everything that can be configured, checked once: environment, `config/settings.yaml`, `config/directory.yaml`, Temporal's profiles.
 * @throws invalid-configuration with every problem of all of them
 */
export function loadConfig(env: NodeJS.ProcessEnv, cwd = process.cwd()): Config {
  const given = withoutEmpty(env);
  const problems: Problem[] = [];
  const take = <T>(parsed: Parsed<T>): T | undefined => {
    if ('value' in parsed) return parsed.value;
    problems.push(...parsed.problems);
    return undefined;
  };
  const files = {
    settings: ownFile(given['TOLLGATE_SETTINGS'], 'config/settings.yaml', cwd),
    directory: ownFile(given['TOLLGATE_DIRECTORY'], 'config/directory.yaml', cwd),
    policies: ownFile(given['TOLLGATE_POLICIES'], 'policies', cwd),
  };
  const variables = take(parseEnvironment(given));
  const temporal = take(parseTemporal(given));
  const settings = take(parseSettings(files.settings));
  const directory = take(parseDirectory(files.directory));
  if (variables === undefined || temporal === undefined || settings === undefined || directory === undefined) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    throw new TollgateError('invalid-configuration', `${count} in the configuration`, { problems });
  }
  return {
    databaseUrl: variables.DATABASE_URL ?? null,
    temporal: { ...temporal, uiUrl: variables.TOLLGATE_TEMPORAL_UI_URL.replace(/\/$/, '') },
    port: variables.TOLLGATE_PORT,
    host: variables.TOLLGATE_HOST,
    dataDir: resolve(cwd, variables.TOLLGATE_DATA_DIR),
    logLevel: variables.TOLLGATE_LOG_LEVEL,
    metricsAddress: variables.TOLLGATE_METRICS_ADDRESS ?? null,
    runTaskKey: variables.TOLLGATE_RUN_TASK_HMAC_KEY ?? null,
    importBytes: variables.TOLLGATE_IMPORT_LIMIT_MB * 1024 * 1024,
    decisionLog: variables.TOLLGATE_DECISION_LOG,
    settings: settings.settings,
    settingLines: settings.lines,
    directory,
    files,
  };
}

/** An empty variable is one that is not given: Compose passes unset ones as ``, and a number would be read from it as 0. */
export function withoutEmpty(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''));
}

/** The file that is named, else the one in the working directory, else the one that comes with the program. */
function ownFile(given: string | undefined, usual: string, cwd: string): string {
  if (given !== undefined) return resolve(cwd, given);
  const here = resolve(cwd, usual);
  return existsSync(here) ? here : join(packageRoot, usual);
}

function parseEnvironment(given: Record<string, string>): Parsed<z.output<typeof environment>> {
  const result = environment.safeParse(given);
  if (result.success) return { value: result.data };
  return {
    problems: result.error.issues.map((issue) => ({
      path: issue.path.join('.'),
      message: `${issue.message}, ${shown(String(issue.path[0]), given)}`,
    })),
  };
}

/** These may hold a password, so their values are told nowhere. */
const SECRET: ReadonlySet<string> = new Set(['DATABASE_URL', 'TEMPORAL_API_KEY', 'TOLLGATE_RUN_TASK_HMAC_KEY']);

function shown(name: string, given: Record<string, string>): string {
  return SECRET.has(name) ? 'got something else, not shown since it may hold a password' : `got \`${given[name]}\``;
}

function parseTemporal(given: Record<string, string>): Parsed<Omit<TemporalConfig, 'uiUrl'>> {
  try {
    const { connectionOptions, namespace } = loadClientConnectConfig({ overrideEnvVars: given });
    return { value: { connectionOptions, namespace: namespace ?? 'default' } };
  } catch (error) {
    const key = given['TEMPORAL_API_KEY'];
    const message = describeError(error);
    return { problems: [{ path: 'TEMPORAL_*', message: key === undefined ? message : message.replaceAll(key, '…') }] };
  }
}

/** @throws invalid-configuration when there is no `DATABASE_URL` */
export function requireDatabaseUrl(config: Config): string {
  if (config.databaseUrl !== null) return config.databaseUrl;
  throw missing('DATABASE_URL', 'set it to a PostgreSQL server, or use `npm start`, which runs one');
}

/** @throws invalid-configuration when there is no address of a Temporal server */
export function requireTemporal(config: Config): TemporalConfig {
  if (config.temporal.connectionOptions.address !== undefined) return config.temporal;
  throw missing('TEMPORAL_ADDRESS', 'set it to a Temporal server, or use `npm start`, which runs one');
}

function missing(path: string, message: string): TollgateError {
  return new TollgateError('invalid-configuration', '1 problem in the configuration', {
    problems: [{ path, message: `not set: ${message}` }],
  });
}
