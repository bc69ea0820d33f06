import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { tagsToWrite, tagUndo } from '../../src/policy/auto-tags.js';
import { breaches } from '../../src/policy/blast-radius.js';
import { courseOf, needsRemediation, reminderInstants, softerAction } from '../../src/policy/course.js';
import { deadlineText } from '../../src/policy/deadline-text.js';
import { DAY, HOUR, parseDuration } from '../../src/policy/durations.js';
import { type Facts, outlookOf, type Reading } from '../../src/policy/gates.js';
import type { Action, Enforcement, Severity } from '../../src/policy/model.js';
import type { RemediationAction } from '../../src/policy/records.js';
import type { Verdict } from '../../src/policy/verdict.js';
import { settings } from './fixtures.js';

function table<T>(name: string): readonly (T & { readonly note: string })[] {
  return load(readFileSync(new URL(`../cases/${name}.yaml`, import.meta.url), 'utf8')) as (T & { note: string })[];
}

const HOUSE = {
  ...settings,
  course: {
    highGraceMs: DAY,
    mediumNoticeMs: 7 * DAY,
    remindersBeforeMs: [12 * HOUR, HOUR],
    undoWindowMs: 7 * DAY,
    maxPostponeMs: 7 * DAY,
    newEpisodeAfterMs: 7 * DAY,
  },
};
const DETECTED = Date.UTC(2026, 0, 1);
const request = {
  severity: 'high' as Severity,
  graceMs: null,
  enforcement: 'deny' as Enforcement,
  action: 'stop' as Action,
  parameters: {},
  resourceType: 'compute/instance',
  detectedAt: DETECTED,
  settings: HOUSE,
  acceleration: 1,
};

interface CourseCase {
  readonly severity: Severity;
  readonly grace?: string;
  readonly acceleration?: number;
  readonly want: { readonly act: number; readonly escalate: number | null; readonly phase: string; readonly undo?: number };
}

describe('courses', () => {
  test.each(table<CourseCase>('course'))('$note', ({ severity, grace, acceleration = 1, want }) => {
    const graceMs = grace === undefined ? null : (parseDuration(grace) ?? Number.NaN);
    const course = courseOf({ ...request, severity, graceMs, acceleration });
    const hours = (at: number | null) => (at === null ? null : (at - DETECTED) / HOUR);
    expect({
      act: hours(course.actAt),
      escalate: hours(course.escalateAt),
      phase: course.phase,
      ...(want.undo === undefined ? {} : { undo: course.undoWindowMs / HOUR }),
    }).toEqual(want);
  });
});

describe('actions', () => {
  interface ActionCase {
    readonly action: Action;
    readonly type: string;
    readonly target?: string;
    readonly enforcement?: Enforcement;
    readonly want: RemediationAction;
  }
  test.each(table<ActionCase>('document-action'))('$note', ({ action, type, target, enforcement = 'deny', want }) => {
    const parameters = target === undefined ? {} : { targetType: target };
    expect(courseOf({ ...request, action, parameters, resourceType: type, enforcement }).action).toBe(want);
  });

  test('softer: notify, then tag, then stop and resize, then terminate and delete; the promised one of two that are equal', () => {
    const order = [
      ['send_notification'],
      ['add_tags'],
      ['stop_instance', 'resize_instance'],
      ['terminate_instance', 'delete_volume'],
    ] as const;
    order.forEach((promisedRank, i) => {
      order.forEach((currentRank, j) => {
        for (const promised of promisedRank)
          for (const current of currentRank) expect(softerAction(promised, current)).toBe(j < i ? current : promised);
      });
    });
  });

  test('low needs a grace of its own to be acted on, and what is audited never is', () => {
    expect(needsRemediation({ severity: 'low', enforcement: 'deny', graceMs: null })).toBe(false);
    expect(needsRemediation({ severity: 'low', enforcement: 'deny', graceMs: 0 })).toBe(true);
    expect(needsRemediation({ severity: 'medium', enforcement: 'warn', graceMs: null })).toBe(true);
    expect(needsRemediation({ severity: 'critical', enforcement: 'audit', graceMs: null })).toBe(false);
  });
});

interface GateCase {
  readonly facts?: {
    readonly reading?: 'gone' | 'unreadable';
    readonly verdict?: Verdict | null;
    readonly enforcement?: Enforcement;
    readonly action?: Action;
    readonly type?: string;
    readonly promised?: RemediationAction;
    readonly managed?: boolean;
    readonly actOnManaged?: boolean;
    readonly breach?: boolean;
    readonly consent?: 'needed';
  } & Partial<Pick<Facts, 'policyEnforces' | 'busyWith' | 'pausedBecause' | 'pendingExceptionId' | 'holdLeftMs' | 'approval' | 'mode'>>;
  readonly want: string;
}

function readingOf({ reading, verdict = 'violating', enforcement = 'deny', action = 'delete' }: NonNullable<GateCase['facts']>): Reading {
  if (reading === 'gone') return { kind: 'gone' };
  if (reading === 'unreadable') return { kind: 'unreadable', reason: 'no answer' };
  if (verdict === null) return { kind: 'judged', verdict: null };
  const finding = {
    severity: 'high',
    enforcement,
    message: 'too much',
    checks: [],
    action,
    parameters: { targetType: 'm7i.large' },
    estimatedMonthlySavings: null,
    graceMs: null,
  } as const;
  const found = verdict === 'violating' || verdict === 'excepted';
  return {
    kind: 'judged',
    verdict: {
      policyName: 'p',
      policyVersion: '1.0.0',
      ruleName: 'r',
      verdict,
      finding: found ? finding : null,
      exceptionId: verdict === 'excepted' ? 'exc_1' : null,
      unknowns: [],
    },
  };
}

function factsOf(given: NonNullable<GateCase['facts']> = {}): Facts {
  const { promised = 'delete_volume', type = 'storage/volume', managed, actOnManaged, breach, consent, ...rest } = given;
  return {
    resourceType: type,
    resourceId: 'vol-1',
    promised: { action: promised, parameters: actOnManaged === undefined ? {} : { actOnManaged } },
    policyEnforces: true,
    busyWith: null,
    pausedBecause: null,
    managedBy: managed === true ? { tool: 'terraform', address: 'aws_ebs_volume.a', repository: null } : null,
    pendingExceptionId: null,
    holdLeftMs: 1,
    breaches: breach === true ? [{ scope: 'policy:p', message: 'too many' }] : [],
    consentNeeded: () => consent === 'needed',
    approval: 'none',
    mode: 'enforce',
    ...rest,
    reading: readingOf(given),
  };
}

describe('gates', () => {
  test.each(table<GateCase>('gates'))('$note', ({ facts, want }) => {
    const outlook = outlookOf(factsOf(facts));
    const what = outlook.kind === 'end' ? outlook.result : outlook.kind === 'wait' ? outlook.waitingFor : outlook.action;
    expect(`${outlook.kind} ${what}`).toBe(want);
  });

  test('an approval that is outdated is said to be so', () => {
    expect(outlookOf(factsOf({ consent: 'needed', approval: 'outdated' }))).toMatchObject({ approvalOutdated: true });
    expect(outlookOf(factsOf({ consent: 'needed' }))).toMatchObject({ approvalOutdated: false });
  });
});

const DEFAULT_LIMITS = { policy: { min: 10, percent: 10 }, team: { min: 10, percent: 25 }, windowMs: DAY };

describe('blast radius', () => {
  interface Case {
    readonly acting?: number;
    readonly applicable?: number;
    readonly team?: { readonly acting: number; readonly applicable: number };
    readonly money?: string;
    readonly moneyPerHour?: string;
    readonly want: readonly string[];
  }
  test.each(table<Case>('blast-radius'))(
    '$note',
    ({ acting = 0, applicable = 0, team = { acting: 0, applicable: 0 }, money = '0', moneyPerHour = null, want }) => {
      const counts = { policy: { name: 'p', acting, applicable }, team: { name: 't', ...team }, moneyPerHour: money };
      expect(breaches(counts, { ...DEFAULT_LIMITS, moneyPerHour }).map(({ scope }) => scope)).toEqual(want);
    },
  );
});

describe('reminders', () => {
  test('only those inside the stage, earliest first', () => {
    expect(reminderInstants(100, [50, 90, 10], 0)).toEqual([10, 50, 90]);
    expect(reminderInstants(100, [50, 100, 10], 0)).toEqual([50, 90]);
    expect(reminderInstants(100, [50, 10], 50)).toEqual([90]);
    expect(reminderInstants(100, [0], 0)).toEqual([]);
  });
});

describe('deadline text', () => {
  const base = { phase: 'notice', waitingFor: null, escalateAt: 7 * DAY, escalated: false, actAt: 8 * DAY, undoUntil: null } as const;
  test.each([
    ['both deadlines of a medium one', base, HOUR, 'escalates in 6 days 23 hours, acts in 7 days 23 hours'],
    ['only the act once it is high', { ...base, phase: 'grace', escalated: true }, 7 * DAY, 'acts in 1 day'],
    ['due', { ...base, phase: 'grace', escalateAt: null }, 8 * DAY, 'acts now'],
    ['what it waits for', { ...base, phase: 'paused', waitingFor: 'pause' }, 0, 'waits for enforcement to be resumed'],
    ['the undo window', { ...base, phase: 'undo_window', undoUntil: 2 * DAY }, DAY, 'can be undone for 1 day'],
    ['nothing when closed', { ...base, phase: 'closed' }, 0, null],
  ] as const)('%s', (_note, remediation, now, want) => {
    expect(deadlineText(remediation, now)).toBe(want);
  });
});

describe('tags', () => {
  const at = Date.UTC(2026, 0, 1);
  const marks = { 'managed-by': 'cost-governance', 'compliance-status': 'needs-review', 'auto-tagged-at': '2026-01-01T00:00:00.000Z' };
  const wrong = (key: string) => ({ path: `tags.${key}`, observed: 'x', limit: null, message: '', fix: null });

  test('given values are written where the tag is missing or was found wrong, nothing is invented, nothing good is overwritten', () => {
    const parameters = { tags: { owner: 'ops', project: 'unassigned', team: 'core' }, missingTags: ['owner', 'cost-center'] };
    expect(tagsToWrite({ project: 'alpha', team: '?' }, parameters, [wrong('team')], at)).toEqual({ owner: 'ops', team: 'core', ...marks });
    expect(tagsToWrite({}, {}, [], at)).toEqual(marks);
  });

  test('an undo takes back its own values and leaves what somebody changed since', () => {
    const written = { owner: 'ops', team: 'core', project: 'unassigned' };
    expect(tagUndo({ team: '?' }, written, { owner: 'ops', team: 'core', project: 'beta' })).toEqual({
      set: { team: '?' },
      remove: ['owner'],
    });
  });
});
