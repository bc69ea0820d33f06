import { z } from 'zod';
import { originOf } from '../policy/origins.js';
import type { Settings } from '../policy/settings.js';
import { durationMs, durationText, type Parsed, parseYamlFile } from './yaml-file.js';

const share = (min: number, percent: number) =>
  z.strictObject({ min: z.int().min(0).default(min), percent: z.number().min(0).max(100).default(percent) }).prefault({});

const runTaskHost = z
  .string()
  .refine(
    (host) => originOf(host) !== null,
    'expected a host such as `app.terraform.io`, or `https://` or `http://` with a host and a port',
  );

/** `config/settings.yaml`: every key with its default. Defaults are on the safe side. */
const settingsFile = z.strictObject({
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'expected a currency such as `USD`')
    .default('USD'),
  accounts: z
    .array(z.strictObject({ provider: z.string().min(1), account: z.string().min(1), mode: z.enum(['observe', 'enforce']) }))
    .default([]),
  allowAutoTerminate: z.boolean().default(false),
  allowAutoDeleteVolumes: z.boolean().default(false),
  createSnapshotBeforeStop: z.boolean().default(true),
  blastRadius: z
    .strictObject({
      policy: share(10, 10),
      team: share(10, 25),
      moneyPerHour: z
        .string()
        .regex(/^\d+(\.\d+)?$/, 'expected an amount as text such as `"500.00"`')
        .nullable()
        .default(null),
      window: durationText.default('24h'),
    })
    .prefault({}),
  course: z
    .strictObject({
      highGrace: durationText.default('24h'),
      mediumNotice: durationText.default('7d'),
      remindersBefore: z.array(durationText).default(['12h', '1h']),
      undoWindow: durationText.default('7d'),
      maxPostpone: durationText.default('7d'),
      newEpisodeAfter: durationText.default('7d'),
    })
    .prefault({}),
  exceptions: z
    .strictObject({
      remindAfter: durationText.default('24h'),
      escalateAfter: durationText.default('48h'),
      lapseAfter: durationText.default('7d'),
      holdDestructive: durationText.default('72h'),
      warnBefore: durationText.default('7d'),
      closeWhenCompliant: durationText.default('30d'),
      reviewIntervalDays: z.int().min(1).max(3_650).default(90),
    })
    .prefault({}),
  budgets: z
    .strictObject({
      holdExpiresAfter: durationText.default('2h'),
      billedAfter: durationText.default('72h'),
    })
    .prefault({}),
  runTasks: z
    .strictObject({
      hosts: z.array(runTaskHost).min(1, 'expected at least one host').default(['app.terraform.io', 'archivist.terraform.io']),
    })
    .prefault({}),
  scan: z
    .strictObject({
      at: z
        .string()
        .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected a time of day in UTC such as `"02:00"`')
        .default('02:00'),
      pageSize: z.int().min(1).max(1_000).default(500),
      // A worker has 40 places for activities: a scan never takes them all.
      parallelShards: z.int().min(1).max(20).default(4),
    })
    .prefault({}),
});
type SettingsFile = z.output<typeof settingsFile>;

/** One setting as `tollgate doctor` prints it, in the words of the file. */
export interface SettingLine {
  readonly key: string;
  readonly value: string;
  readonly default: string;
}

export function parseSettings(file: string): Parsed<{ settings: Settings; lines: readonly SettingLine[] }> {
  const parsed = parseYamlFile(file, settingsFile);
  return 'problems' in parsed ? parsed : { value: { settings: toSettings(parsed.value), lines: describeSettings(parsed.value) } };
}

/** What holds where the file says nothing. */
export function defaultSettings(): Settings {
  return toSettings(settingsFile.parse({}));
}

function toSettings(file: SettingsFile): Settings {
  const { blastRadius, budgets, course, exceptions, runTasks, scan } = file;
  const [hour, minute] = scan.at.split(':').map(Number);
  return {
    currency: file.currency,
    accounts: file.accounts,
    allowAutoTerminate: file.allowAutoTerminate,
    allowAutoDeleteVolumes: file.allowAutoDeleteVolumes,
    createSnapshotBeforeStop: file.createSnapshotBeforeStop,
    blastRadius: {
      policy: blastRadius.policy,
      team: blastRadius.team,
      moneyPerHour: blastRadius.moneyPerHour,
      windowMs: durationMs(blastRadius.window),
    },
    course: {
      highGraceMs: durationMs(course.highGrace),
      mediumNoticeMs: durationMs(course.mediumNotice),
      remindersBeforeMs: course.remindersBefore.map(durationMs),
      undoWindowMs: durationMs(course.undoWindow),
      maxPostponeMs: durationMs(course.maxPostpone),
      newEpisodeAfterMs: durationMs(course.newEpisodeAfter),
    },
    exceptions: {
      remindAfterMs: durationMs(exceptions.remindAfter),
      escalateAfterMs: durationMs(exceptions.escalateAfter),
      lapseAfterMs: durationMs(exceptions.lapseAfter),
      holdDestructiveMs: durationMs(exceptions.holdDestructive),
      warnBeforeMs: durationMs(exceptions.warnBefore),
      closeWhenCompliantMs: durationMs(exceptions.closeWhenCompliant),
      reviewIntervalDays: exceptions.reviewIntervalDays,
    },
    budgets: { holdExpiresAfterMs: durationMs(budgets.holdExpiresAfter), billedAfterMs: durationMs(budgets.billedAfter) },
    runTasks: { origins: runTasks.hosts.flatMap((host) => originOf(host) ?? []) },
    scan: { hour: hour ?? 2, minute: minute ?? 0, pageSize: scan.pageSize, parallelShards: scan.parallelShards },
  };
}

function describeSettings(file: SettingsFile): SettingLine[] {
  const defaults = new Map(flatten(settingsFile.parse({})));
  return flatten(file).map(([key, value]) => ({ key, value, default: defaults.get(key) ?? '' }));
}

/** `course.highGrace` and its value as JSON; lists are values. */
function flatten(value: object, prefix = ''): [key: string, value: string][] {
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]): [string, string][] => {
    const key = `${prefix}${name}`;
    const nested = typeof inner === 'object' && inner !== null && !Array.isArray(inner);
    return nested ? flatten(inner, `${key}.`) : [[key, typeof inner === 'string' ? inner : JSON.stringify(inner)]];
  });
}
