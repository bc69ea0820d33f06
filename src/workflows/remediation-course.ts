/** Notices, reminders and escalation: everything before the act is due. */
import { reminderInstants } from '../policy/course.js';
import { MINUTE } from '../policy/durations.js';
import { detectedNotice, escalatedNotice, type NoticeContext, reminderNotice } from '../policy/remediation-notice.js';
import { actionWords } from '../policy/remediation-words.js';
import { backoff, type Life, renew, type Telling } from './remediation-state.js';

export function noticeContext(life: Life): NoticeContext {
  return { ...life.input, ...life.state.view };
}

/** The first notice. A course without a first stage (critical) does not wait for it to have a recipient. */
export function beginTelling({ input, state }: Life): void {
  if (state.noticed) return;
  state.noticed = true;
  tell(state, 'detected', input.detectedAt, state.view.escalateAt ?? state.view.actAt);
}

function tell(state: Life['state'], stage: Telling['stage'], from: number, to: number): void {
  state.telling = { stage, from, to, tries: 0, movedMs: 0 };
}

/**
 * Writes a stage's notice, and tries again for as long as there is nobody to send it to: the stage does not end before. When less than
 * half of the stage is left by then, all that follows is moved by what was lost, so that nobody is acted on without warning; the notice
 * names the moments as they are then.
 */
async function giveNotice(life: Life, telling: Telling): Promise<void> {
  const { from, to, stage } = telling;
  while (life.ending === null) {
    life.heed();
    makeUpFor(life, telling);
    const words = stage === 'detected' ? detectedNotice(noticeContext(life)) : escalatedNotice(noticeContext(life));
    const told = await life.flush({ notice: { stage, operators: false, ...words } });
    if (told > 0 || to <= from) {
      life.state.telling = null;
      return;
    }
    if (telling.tries === 0) life.record('notice-undeliverable', { stage });
    telling.tries += 1;
    await renew(life);
    await life.rest(backoff(life.input, telling.tries - 1), 'nobody to notify: looking again');
  }
}

/** A worker that is busy for moments is no reason to move a promise; one that was away is, and so is nobody to tell. */
function makeUpFor(life: Life, telling: Telling): void {
  const { from, to, tries, movedMs } = telling;
  const late = Date.now() - from;
  if (to <= from || late <= (to - from) / 2 || (tries === 0 && late <= MINUTE)) return;
  telling.movedMs = late;
  moveDeadlines(life, late - movedMs);
}

function moveDeadlines(life: Life, byMs: number): void {
  const { escalateAt, escalated, actAt } = life.state.view;
  life.set({ actAt: actAt + byMs, escalateAt: escalateAt === null || escalated ? escalateAt : escalateAt + byMs });
  life.record('deadlines-moved', { by_ms: byMs });
}

/** Returns when the act is due, or when the remediation is to end. */
export async function untilDue(life: Life): Promise<void> {
  for (;;) {
    life.heed();
    const { telling } = life.state;
    if (telling !== null) await giveNotice(life, telling);
    if (life.ending !== null) return;
    const next = nextMoment(life);
    if (next.at > Date.now()) await life.rest(next.at - Date.now(), next.summary);
    else if (next.kind === 'escalate') escalate(life);
    else if (next.kind === 'remind') await remind(life, next.at);
    else return;
  }
}

interface Moment {
  readonly kind: 'escalate' | 'remind' | 'act';
  readonly at: number;
  readonly summary: string;
}

/** The escalation comes before everything else, however late it is: the 24 h after it always follow. */
function nextMoment({ input, state }: Life): Moment {
  const { escalateAt, escalated, actAt, action } = state.view;
  const act: Moment = { kind: 'act', at: actAt, summary: `grace: then ${actionWords(action)} ${input.key.id}` };
  if (escalateAt !== null && !escalated) return { kind: 'escalate', at: escalateAt, summary: `notice: then ${input.key.id} becomes high` };
  const began = escalateAt ?? input.detectedAt;
  const due = reminderInstants(actAt, input.remindersBeforeMs, began).filter((at) => !state.reminded.includes(reminderStage(actAt, at)));
  // One that was missed is not given beside a later one that is due as well, nor when the act itself is.
  const at = due.findLast((instant) => instant <= Date.now()) ?? due[0];
  if (at === undefined || actAt <= Date.now()) return act;
  return { kind: 'remind', at, summary: `reminder for ${input.key.id}` };
}

/** A postponed act has reminders of its own. */
function reminderStage(actAt: number, at: number): string {
  return `reminder/${actAt}/${actAt - at}`;
}

async function remind(life: Life, at: number): Promise<void> {
  const { state, input } = life;
  const { actAt } = state.view;
  const passed = reminderInstants(actAt, input.remindersBeforeMs, 0).filter((instant) => instant <= at);
  state.reminded.push(...passed.map((instant) => reminderStage(actAt, instant)));
  await life.flush({ notice: { stage: reminderStage(actAt, at), operators: false, ...reminderNotice(noticeContext(life)) } });
}

function escalate(life: Life): void {
  const { escalateAt, actAt } = life.state.view;
  life.set({ severity: 'high', escalated: true, phase: 'grace' });
  life.record('escalated', { severity: 'high' });
  tell(life.state, 'escalated', escalateAt ?? actAt, actAt);
}
