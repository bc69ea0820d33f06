/** When a `Schedule` wants things to run: its windows on the calendar of its time zone, daylight saving included. */
import { Temporal } from 'temporal-polyfill';
import type { Instant, ScheduleRule } from '../model.js';

const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

/** Weeks repeat: what does not change for so long after the last holiday never does. */
const ENOUGH_DAYS = 16;
/** Holidays further away than this are not looked at. */
const HORIZON_DAYS = 400;

/** From `start` (inclusive) to `end` (exclusive). */
interface Span {
  readonly start: Instant;
  readonly end: Instant;
}

/** The wanted state at an instant, and when it changes next. */
export interface WantedState {
  readonly running: boolean;
  /** The next end and the next begin of running, after the instant; null when there is none in more than a year. */
  readonly nextStop: Instant | null;
  readonly nextStart: Instant | null;
}

type Hours = Pick<ScheduleRule, 'timezone' | 'running' | 'weekends' | 'holidays'>;

/** A time that the clock skips is the one after the gap, one that it shows twice is the first. `24:00` is the midnight after. */
function toInstant(date: Temporal.PlainDate, time: string, timeZone: string): Instant {
  const isMidnight = time === '24:00';
  const day = isMidnight ? date.add({ days: 1 }) : date;
  const plainTime = Temporal.PlainTime.from(isMidnight ? '00:00' : time);
  return day.toZonedDateTime({ timeZone, plainTime }).epochMilliseconds;
}

/** The day on which a window begins decides: one over midnight ends on the day after, also when that is off. */
function isOff({ weekends, holidays }: Hours, date: Temporal.PlainDate): boolean {
  return (weekends === 'off' && date.dayOfWeek > 5) || (holidays?.dates?.includes(date.toString()) ?? false);
}

function spansOf(hours: Hours, date: Temporal.PlainDate): readonly Span[] {
  if (isOff(hours, date)) return [];
  const weekday = WEEKDAYS[date.dayOfWeek - 1] ?? '';
  return hours.running
    .filter(({ days }) => days.includes(weekday))
    .map(({ from, to }) => ({
      start: toInstant(date, from, hours.timezone),
      end: toInstant(to < from ? date.add({ days: 1 }) : date, to, hours.timezone),
    }))
    .filter(({ start, end }) => start < end)
    .sort((a, b) => a.start - b.start);
}

/** How many days from `first` are enough to see every change of the near future. */
function daysToLookAt({ holidays }: Hours, first: Temporal.PlainDate): number {
  const until = (date: string): number => Math.min(first.until(date).days, HORIZON_DAYS);
  return Math.max(0, ...(holidays?.dates ?? []).map(until)) + ENOUGH_DAYS;
}

/** Spans in the order of time from the day before `at`, those that touch or overlap joined; lazy, since the first few are enough. */
function* runs(hours: Hours, at: Instant): Generator<Span> {
  const first = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(hours.timezone).toPlainDate().subtract({ days: 1 });
  let open: Span | undefined;
  const days = daysToLookAt(hours, first);
  for (let day = 0; day <= days; day++) {
    for (const span of spansOf(hours, first.add({ days: day }))) {
      if (open !== undefined && span.start > open.end) {
        yield open;
        open = span;
      } else {
        open = { start: open?.start ?? span.start, end: Math.max(open?.end ?? 0, span.end) };
      }
    }
  }
  if (open !== undefined) yield open;
}

/** Pure. Holidays of a `calendar` are not known here: only `dates` are counted. */
export function wantedState(hours: Hours, at: Instant): WantedState {
  let current: Span | undefined;
  let last: Span | undefined;
  for (const span of runs(hours, at)) {
    last = span;
    if (span.end <= at) continue;
    if (span.start > at) return { running: current !== undefined, nextStop: current?.end ?? span.end, nextStart: span.start };
    current = span;
  }
  // What runs up to the last day that was looked at runs on.
  return { running: last !== undefined && last === current, nextStop: null, nextStart: null };
}
