/** `Schedule`: says at deploy which hours a resource will run. It judges nothing there. */
import type { Instant, ScheduleRule } from '../model.js';
import { kindOf } from '../specs.js';
import { joinMessages, type RuleKind } from './check.js';
import { wantedState } from './running-hours.js';

const ORDER = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** `mon–fri`, `mon, wed`; in the order of the week. */
function daysInWords(days: readonly string[]): string {
  const places = ORDER.flatMap((day, place) => (days.includes(day) ? [place] : []));
  const first = places[0] ?? 0;
  const last = places.at(-1) ?? 0;
  const isRow = places.length > 2 && last - first === places.length - 1;
  return isRow ? `${ORDER[first]}–${ORDER[last]}` : places.map((place) => ORDER[place]).join(', ');
}

/** `mon–fri 07:00–20:00 Europe/Berlin, weekends off, holidays off (DE-BE; 2026-12-24)` */
function hoursInWords({ running, timezone, weekends, holidays }: ScheduleRule): string {
  const windows = running.map(({ days, from, to }) => `${daysInWords(days)} ${from}–${to}`).join(' and ');
  const off = [holidays?.calendar ?? [], holidays?.dates?.join(', ') ?? []].flat();
  return [
    `${windows} ${timezone}`,
    ...(weekends === 'off' ? ['weekends off'] : []),
    ...(off.length === 0 ? [] : [`holidays off (${off.join('; ')})`]),
  ].join(', ');
}

function instantInWords(instant: Instant | null): string {
  return instant === null ? 'none' : new Date(instant).toISOString();
}

interface Told {
  readonly from: Instant;
  /** Until the wanted state changes, the same words hold. */
  readonly until: Instant;
  readonly words: string;
}

function tell(rule: ScheduleRule, hours: string, at: Instant): Told {
  const { nextStop, nextStart } = wantedState(rule, at);
  const calendar = rule.holidays?.calendar === undefined ? '' : `, the holidays of ${rule.holidays.calendar} not counted`;
  const words = `will run ${hours}; next stop ${instantInWords(nextStop)}, next start ${instantInWords(nextStart)}${calendar}`;
  return { from: at, until: nextStop === null || nextStart === null ? at + 1 : Math.min(nextStop, nextStart), words };
}

/**
 * Working the windows out takes a while, so it is done once for each stretch between two changes, not for each resource.
 * @throws RangeError on a time zone that is not known, at once and not when a note is asked for
 */
function createNote(rule: ScheduleRule): (at: Instant) => string {
  const hours = hoursInWords(rule);
  let told = tell(rule, hours, 0);
  return (at) => {
    if (at < told.from || at >= told.until) told = tell(rule, hours, at);
    return told.words;
  };
}

export const schedule: RuleKind<'Schedule'> = {
  points: ['deploy'],
  scanSeverity: 'medium',
  denial: null,
  compile: (rule) => {
    const note = createNote(rule);
    return {
      checks: [({ type }) => (kindOf(type).stoppable ? 'passed' : 'not-applicable')],
      summarize: joinMessages,
      note: ({ type }, at) => (kindOf(type).stoppable ? note(at) : undefined),
    };
  },
};
