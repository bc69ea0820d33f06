import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { describe, expect, it, test } from 'vitest';
import { DAY } from '../../src/policy/durations.js';
import type { PolicyRecord } from '../../src/policy/house-records.js';
import {
  authorsOf,
  createdPolicy,
  movePolicy,
  nextPolicyDate,
  nextVersion,
  type PolicyMove,
  type VersionDraft,
} from '../../src/policy/lifecycle.js';

const AT = Date.UTC(2026, 10, 22, 12);
const draftOf = (contentHash: string, rulesHash: string): VersionDraft => ({
  type: 'ResourceLimit',
  namespace: null,
  description: null,
  contentHash,
  rulesHash,
});

function moved(policy: PolicyRecord, ...moves: readonly PolicyMove[]): PolicyRecord {
  return moves.reduce((before, move) => {
    const after = movePolicy(before, move, AT);
    if ('refused' in after) throw new Error(after.message);
    return after;
  }, policy);
}

const submit: PolicyMove = { kind: 'submit', by: 'ann', reviewers: ['rita', 'rob'] };
const approve = (by: string): PolicyMove => ({ kind: 'approve', by, comments: null });
const activate = (effectiveAt: number | null): PolicyMove => ({ kind: 'activate', by: 'olga', effectiveAt });
const deprecate = (date: number): PolicyMove => ({ kind: 'deprecate', by: 'olga', date, reason: 'old', replacement: null });
const add = (changeType: 'minor' | 'major', draft: VersionDraft, by = 'ann'): PolicyMove => ({
  kind: 'add-version',
  by,
  draft,
  changeType,
  changeSummary: 'a change',
  currentRulesHash: 'rules',
});
const MINOR = add('minor', draftOf('other texts', 'rules'));
const MAJOR = add('major', draftOf('other content', 'other rules'));

const draft = createdPolicy('sizes', draftOf('content', 'rules'), 'ann', AT - DAY, 'policy/sizes');
const review = moved(draft, submit);
const half = moved(review, approve('rita'));
const approved = moved(half, approve('rob'));
const active = moved(approved, activate(null));
const STATES: Readonly<Record<string, PolicyRecord>> = {
  draft,
  review,
  half,
  approved,
  dated: moved(approved, activate(AT + DAY)),
  due: { ...approved, effectiveAt: AT },
  active,
  redraft: moved(active, MAJOR),
  ending: moved(active, deprecate(AT + DAY)),
  ended: moved(active, deprecate(AT)),
  archived: moved(active, deprecate(AT), { kind: 'archive', by: 'olga' }),
};
const MOVES: Readonly<Record<string, PolicyMove>> = {
  'ann submits': submit,
  'ann submits to herself': { kind: 'submit', by: 'ann', reviewers: ['rita', 'ann'] },
  'ann submits to nobody': { kind: 'submit', by: 'ann', reviewers: [] },
  'rita approves': approve('rita'),
  'rob approves': approve('rob'),
  'ann approves': approve('ann'),
  'eve approves': approve('eve'),
  'rita requests changes': { kind: 'request-changes', by: 'rita', comments: 'no' },
  'eve requests changes': { kind: 'request-changes', by: 'eve', comments: 'no' },
  'olga activates': activate(null),
  'olga activates tomorrow': activate(AT + DAY),
  'it takes effect': { kind: 'take-effect', by: 'system:policies' },
  'olga deprecates': deprecate(AT + DAY),
  'it retires': { kind: 'retire', by: 'system:policies' },
  'olga archives': { kind: 'archive', by: 'olga' },
  'ann adds a minor version': add('minor', draftOf('third content', 'rules')),
  'ann adds a major version': add('major', draftOf('third content', 'third rules')),
  'ann calls a change of rules minor': add('minor', draftOf('third content', 'third rules')),
  'ann adds the same again': add('major', draftOf('content', 'rules')),
  'ann adds another type': add('major', { ...draftOf('third content', 'third rules'), type: 'Orphan' }),
};

const table = load(readFileSync('test/cases/policy-moves.yaml', 'utf8')) as Readonly<Record<string, Readonly<Record<string, string>>>>;

describe('every move of a policy in every state', () => {
  it('is in the table', () => {
    expect(Object.keys(table).sort()).toEqual(Object.keys(MOVES).sort());
    for (const row of Object.values(table)) expect(Object.keys(row).sort()).toEqual(Object.keys(STATES).sort());
  });

  it.each(Object.entries(MOVES))('%s', (name, move) => {
    const outcomes = Object.entries(STATES).map(([state, policy]) => {
      const same = name === 'ann adds the same again' && state === 'redraft';
      const after = movePolicy(policy, same ? MAJOR : move, AT);
      if (!('refused' in after)) expect(after.versions.at(-1)).toMatchObject({ version: after.currentVersion, status: after.status });
      return [state, 'refused' in after ? after.refused : after.status];
    });
    expect(Object.fromEntries(outcomes)).toEqual(table[name]);
  });
});

const statuses = (policy: PolicyRecord) => policy.versions.map(({ version, status }) => `${version} ${status}`);

test('a major update leaves the active version enforcing until the new one is activated', () => {
  const redraft = moved(active, MAJOR);
  expect(redraft).toMatchObject({ status: 'draft', currentVersion: '1.0.0', activeVersion: '0.1.0' });
  const waiting = moved(redraft, submit, approve('rita'), approve('rob'), activate(AT + DAY));
  expect(waiting).toMatchObject({ status: 'approved', activeVersion: '0.1.0', effectiveAt: AT + DAY });
  const replaced = moved(waiting, activate(null));
  expect(replaced).toMatchObject({ status: 'active', activeVersion: '1.0.0', effectiveAt: null });
  expect(statuses(replaced)).toEqual(['0.1.0 superseded', '1.0.0 active']);
});

test('a minor update of an active policy takes effect at once', () => {
  const after = moved(active, MINOR);
  expect(after).toMatchObject({ status: 'active', currentVersion: '0.2.0', activeVersion: '0.2.0' });
  expect(statuses(after)).toEqual(['0.1.0 superseded', '0.2.0 active']);
});

test('a new version voids the reviews of an unactivated one and supersedes it', () => {
  for (const policy of [half, approved, STATES['dated'] as PolicyRecord]) {
    const after = moved(policy, MINOR);
    expect(after).toMatchObject({ status: 'draft', reviewers: [], approvals: [], effectiveAt: null, activeVersion: null });
    expect(statuses(after)).toEqual(['0.1.0 superseded', '0.2.0 draft']);
  }
});

test('whose rules a minor step took over is an author still, and does not review them', () => {
  const byBob = moved(draft, add('minor', draftOf('other texts', 'rules'), 'bob'));
  expect(authorsOf(byBob)).toEqual(['bob', 'ann']);
  expect(movePolicy(byBob, { kind: 'submit', by: 'bob', reviewers: ['ann'] }, AT)).toMatchObject({ refused: 'Invalid' });
  const rewritten = moved(draft, add('major', draftOf('other content', 'other rules'), 'bob'));
  expect(movePolicy(rewritten, { kind: 'submit', by: 'bob', reviewers: ['ann'] }, AT)).toMatchObject({ status: 'review' });
});

test('versions count up from the current one', () => {
  expect(nextVersion('0.1.0', 'minor')).toBe('0.2.0');
  expect(nextVersion('0.9.0', 'minor')).toBe('0.10.0');
  expect(nextVersion('0.10.0', 'major')).toBe('1.0.0');
  expect(nextVersion('1.3.0', 'major')).toBe('2.0.0');
});

test('a deprecated policy enforces until its date, an archived one never', () => {
  expect(STATES['ending']).toMatchObject({ status: 'deprecated', activeVersion: '0.1.0' });
  expect(moved(STATES['ended'] as PolicyRecord, { kind: 'retire', by: 'system:policies' })).toMatchObject({
    status: 'deprecated',
    activeVersion: null,
  });
  expect(STATES['archived']).toMatchObject({ activeVersion: null });
});

test('a policy moves by itself only at a dated activation and at the end of a deprecated one', () => {
  const dates = Object.entries(STATES).flatMap(([state, policy]) => {
    const due = nextPolicyDate(policy);
    return due === null ? [] : [[state, due.kind, due.at - AT]];
  });
  expect(dates).toEqual([
    ['dated', 'take-effect', DAY],
    ['due', 'take-effect', 0],
    ['ending', 'retire', DAY],
    ['ended', 'retire', 0],
  ]);
});
