import fc from 'fast-check';
import { expect, it } from 'vitest';
import { evaluateRequest } from '../../src/policy/evaluate.js';
import { NO_EXCEPTIONS } from '../../src/policy/exception.js';
import type { Policy } from '../../src/policy/model.js';
import { wantedState } from '../../src/policy/rules/running-hours.js';
import { compile, policyOf, resource } from './samples.js';

const HOUR = 3_600_000;
const policy = policyOf(
  'Schedule',
  '[{ name: a, timezone: America/New_York, weekends: "off", holidays: { dates: [2026-11-26] }, running: [{ days: [mon, tue, wed, thu, fri], from: "22:00", to: "02:30" }, { days: [fri], from: "09:00", to: "12:00" }] }]',
);
const [rule] = policy.type === 'Schedule' ? policy.rules : [];
if (rule === undefined) throw new Error('no rule');

const anyInstant = fc.integer({ min: Date.UTC(2026, 0), max: Date.UTC(2027, 0) });

it('tells of an instant what it tells of it alone, whatever was asked before', () => {
  const set = compile([policy]);
  const noteAt = (of: typeof set, at: number) => evaluateRequest(of, NO_EXCEPTIONS, { resources: [resource()] }, at).notes[0]?.message;
  fc.assert(
    fc.property(fc.array(anyInstant, { minLength: 1, maxLength: 4 }), (instants) => {
      for (const at of instants) expect(noteAt(set, at)).toBe(noteAt(compile([policy]), at));
    }),
    { numRuns: 100 },
  );
});

it('keeps its state until the next change, and has the other from then on', () => {
  fc.assert(
    fc.property(anyInstant, fc.nat({ max: 1_000 }), (at, part) => {
      const { running, nextStop, nextStart } = wantedState(rule, at);
      const change = Math.min(nextStop ?? Infinity, nextStart ?? Infinity);
      expect(change).toBe(running ? nextStop : nextStart);
      expect(change).toBeGreaterThan(at);
      const between = at + Math.floor(((change - 1 - at) * part) / 1_000);
      expect(wantedState(rule, between)).toEqual({ running, nextStop, nextStart });
      expect(wantedState(rule, change).running).toBe(!running);
    }),
    { numRuns: 200 },
  );
});

it('counts real hours when the clocks change: an hour more in autumn; in spring 02:30 is 03:30', () => {
  const { weekends: _, ...nightly } = rule;
  const lengths = [Date.UTC(2026, 1, 20), Date.UTC(2026, 2, 6), Date.UTC(2026, 9, 30)].map((day) => {
    const { nextStart, nextStop } = wantedState({ ...nightly, running: [{ days: ['sat'], from: '22:00', to: '02:30' }] }, day);
    return ((nextStop ?? 0) - (nextStart ?? 0)) / HOUR;
  });
  expect(lengths).toEqual([4.5, 4.5, 5.5]);
});

it('of a time zone that is not known is told as an error, and touches no decision', () => {
  const broken: Policy = { name: 'broken', type: 'Schedule', rules: [{ ...rule, timezone: 'Mars/Base', onUnknown: 'deny' }] };
  const answer = evaluateRequest(compile([broken]), NO_EXCEPTIONS, { resources: [resource()] }, 0);
  expect(answer).toMatchObject({ decision: 'allow', notes: [], errors: [{ policyName: 'broken', ruleName: 'a' }] });
});
