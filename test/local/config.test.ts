import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultSettings } from '../../src/config/settings-file.js';
import { loadConfig } from '../../src/config.js';
import { TollgateError } from '../../src/errors.js';
import { DAY, HOUR } from '../../src/policy/durations.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** Problems as `path: message`, with the directory of the test cut out. */
function problemsOf(env: NodeJS.ProcessEnv, files: { readonly settings?: string; readonly directory?: string } = {}): string[] {
  const directory = temporaryDirectory();
  const write = (name: string, text = '') => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const named = { TOLLGATE_SETTINGS: write('settings.yaml', files.settings), TOLLGATE_DIRECTORY: write('directory.yaml', files.directory) };
  try {
    loadConfig({ ...named, ...env });
    return [];
  } catch (error) {
    if (!(error instanceof TollgateError)) throw error;
    return error.problems.map(({ path, message }) => `${path.replace(`${directory}/`, '')}: ${message}`);
  }
}

test('an empty environment and the shipped files give the defaults of the specification', () => {
  const config = loadConfig({});
  expect(config).toMatchObject({ databaseUrl: null, port: 8080, host: '127.0.0.1', logLevel: 'info', temporal: { namespace: 'default' } });
  expect(config.temporal.connectionOptions.address).toBeUndefined();
  expect(config.settings).toEqual(defaultSettings());
  expect(config.settings.course).toEqual({
    highGraceMs: DAY,
    mediumNoticeMs: 7 * DAY,
    remindersBeforeMs: [12 * HOUR, HOUR],
    undoWindowMs: 7 * DAY,
    maxPostponeMs: 7 * DAY,
    newEpisodeAfterMs: 7 * DAY,
  });
  expect(config.settings).toMatchObject({ allowAutoTerminate: false, allowAutoDeleteVolumes: false, createSnapshotBeforeStop: true });
});

test('an empty variable is one that is not given', () => {
  expect(loadConfig({ TOLLGATE_PORT: '', DATABASE_URL: '', TEMPORAL_ADDRESS: '' })).toMatchObject({ port: 8080, databaseUrl: null });
});

test('every problem of the environment and of both files is told at once', () => {
  const env = { TOLLGATE_PORT: 'http', DATABASE_URL: 'mysql://x', TOLLGATE_LOG_LEVEL: 'loud' };
  const settings = 'course: { highGrce: 24h, mediumNotice: soon }\nallowAutoTerminate: "yes"\nscan: { pageSize: 0 }\n';
  const directory = 'people:\n  - { id: dana, manager: bob }\n  - { id: dana }\nowners: { fallback: [finops] }\n';
  expect(problemsOf(env, { settings, directory })).toEqual([
    'DATABASE_URL: expected an address such as `postgres://user:password@host:5432/tollgate`, got something else, not shown since it may hold a password',
    'TOLLGATE_PORT: expected a port number, got `http`',
    'TOLLGATE_LOG_LEVEL: expected one of trace, debug, info, warn, error, silent, got `loud`',
    'settings.yaml: allowAutoTerminate: expected boolean, got `"yes"`',
    'settings.yaml: course.mediumNotice: expected a length of time such as `12h` or `7d`, got `"soon"`',
    'settings.yaml: course.highGrce: unknown key, did you mean highGrace?',
    'settings.yaml: scan.pageSize: expected at least 1, got `0`',
    'directory.yaml: people[1].id: `dana` is given twice',
    'directory.yaml: people[0].manager: `bob` is not among the people',
    'directory.yaml: owners.fallback[0]: there is no group `finops`',
  ]);
});

test('the address of the database is shown nowhere: it may hold a password', () => {
  for (const DATABASE_URL of ['mysql://u:hunter2@h/db', 'postgres//u:hunter2@h', 'hunter2']) {
    const problems = problemsOf({ DATABASE_URL });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^DATABASE_URL: expected an address/);
    expect(problems[0]).not.toContain('hunter2');
  }
});

test('a file that is no YAML is named with line and column', () => {
  expect(problemsOf({}, { settings: 'currency: USD\ncurrency: EUR\n' })).toEqual(['settings.yaml:2:1: duplicated mapping key']);
});

test('a file that is named and missing is a problem', () => {
  expect(problemsOf({ TOLLGATE_SETTINGS: '/nowhere/settings.yaml' })).toEqual(['/nowhere/settings.yaml: no such file']);
});

test('settings say how they differ from their defaults', () => {
  const directory = temporaryDirectory();
  const file = join(directory, 'settings.yaml');
  writeFileSync(file, 'course: { highGrace: 36h, remindersBefore: [6h] }\naccounts: [{ provider: aws, account: "*", mode: observe }]\n');
  const config = loadConfig({ TOLLGATE_SETTINGS: file });
  expect(config.settings.course).toMatchObject({ highGraceMs: 36 * HOUR, remindersBeforeMs: [6 * HOUR], mediumNoticeMs: 7 * DAY });
  const changed = config.settingLines.filter(({ value, default: usual }) => value !== usual);
  expect(changed).toEqual([
    { key: 'accounts', value: '[{"provider":"aws","account":"*","mode":"observe"}]', default: '[]' },
    { key: 'course.highGrace', value: '36h', default: '24h' },
    { key: 'course.remindersBefore', value: '["6h"]', default: '["12h","1h"]' },
  ]);
});

test('the shipped settings file shows every setting with its default', async () => {
  const { readFileSync } = await import('node:fs');
  const { packageRoot } = await import('../../src/package-root.js');
  const shipped = readFileSync(join(packageRoot, 'config/settings.yaml'), 'utf8');
  const directory = temporaryDirectory();
  // Every commented setting, as if somebody had taken the comments away, but for the example of accounts.
  const settings = shipped
    .split('\n')
    .filter((line) => /^# ( *- |\S+:( |$)| +\w+:)/.test(line) && !line.includes('provider:') && line !== '# accounts:')
    .map((line) => line.slice(2))
    .join('\n');
  writeFileSync(join(directory, 'settings.yaml'), settings);
  const config = loadConfig({ TOLLGATE_SETTINGS: join(directory, 'settings.yaml') });
  expect(config.settings).toEqual(defaultSettings());
  const top = new Set(settings.split('\n').map((line) => line.trim().split(':')[0]));
  const missing = config.settingLines
    .map(({ key }) => key.split('.').at(-1))
    .filter((name) => name !== 'accounts' && !settings.includes(`${name}:`));
  expect(missing).toEqual([]);
  expect(top.size).toBeGreaterThan(20);
});
