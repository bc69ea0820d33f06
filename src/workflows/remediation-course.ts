/** Notices, reminders and escalation: everything before the act is due. */
import type { ProjectionNotice } from '../activities/remediation-project.js';
import { reminderInstants } from '../policy/course.js';
import { MINUTE } from '../policy/durations.js';
import { detectedNotice, escalatedNotice, type NoticeContext, reminderNotice } from '../policy/remediation-notice.js';
import { actionWords } from '../policy/remediation-words.js';
import { backoff, type Life } from './remediation-state.js';

export function noticeContext(life: Life): NoticeContext {
  return { ...life.input, ...life.state.view };
}

/** The first notice. A course without a first stage (critical) does not wait for it to have a recipient. */
export async function giveFirstNotice(life: Life): Promise<void> {
  const { input, state } = life;
  if (state.noticed) return;
  const stage = { from: input.detectedAt, to: state.view.escalateAt ?? state.view.actAt };
  await giveNotice(life, { stage: 'detected', operators: false, ...detectedNotice(noticeContext(life)) }, stage);
  state.noticed = true;
}

/** A stretch of the course that begins with a notice. */
interface Stage {
  readonly from: number;
  readonly to: number;
}

/**
 * Writes a stage's notice, and tries again for as long as there is nobody to send it to: the stage does not end before. When less than
 * half of the stage is left by then, all that follows is moved by what was lost, so that nobody is acted on without warning.
 */
async function giveNotice(life: Life, notice: ProjectionNotice, stage: Stage): Promise<void> {
  const length = stage.to - stage.from;
  let tries = 0;
  while ((await life.flush({ notice })) === 0 && length > 0) {
    if (tries === 0) life.record('notice-undeliverable', { stage: notice.stage });
    await life.rest(backoff(life.input, tries), 'nobody to notify: looking again');
    if (life.ending !== null) return;
    tries += 1;
  }
  const late = Date.now() - stage.from;
  // A worker that is busy for moments is no reason to move a promise; one that was away is.
  if (late > length / 2 && length > 0 && (tries > 0 || late > MINUTE)) moveDeadlines(life, late);
}

function moveDeadlines(life: Life, byMs: number): void {
  const { escalateAt, escalated, actAt } = life.state.view;
  life.set({ actAt: actAt + byMs, escalateAt: escalateAt === null || escalated ? escalateAt : escalateAt + byMs });
  life.record('deadlines-moved', { by_ms: byMs });
}

/** Returns when the act is due, or when the remediation is to end. */
export async function untilDue(life: Life): Promise<void> {
  for (;;) {
    const { view } = life.state;
    if (life.ending !== null) return;
    const next = nextMoment(life);
    if (next.at > Date.now()) await life.rest(next.at - Date.now(), next.summary);
    else if (next.kind === 'escalate') await escalate(life);
    else if (next.kind === 'remind') await remind(life, next.at);
    else if (Date.now() >= view.actAt) return;
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

async function escalate(life: Life): Promise<void> {
  const { escalateAt, actAt } = life.state.view;
  life.set({ severity: 'high', escalated: true, phase: 'grace' });
  life.record('escalated', { severity: 'high' });
  const notice = { stage: 'escalated', operators: false, ...escalatedNotice(noticeContext(life)) };
  await giveNotice(life, notice, { from: escalateAt ?? actAt, to: actAt });
}
