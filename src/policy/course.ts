/** The course of a remediation: severity → stages, deadlines and action, fixed once at first detection. Pure. */
import { waitingLength } from './durations.js';
import type { Action, Enforcement, Instant, Severity } from './model.js';
import type { RemediationAction, RemediationPhase, ViolationRecord } from './records.js';
import type { Settings } from './settings.js';
import type { ActionParameters } from './verdict.js';

export interface CourseRequest {
  readonly severity: Severity;
  /** First stage in ms where the rule gives one; null keeps the severity's own. */
  readonly graceMs: number | null;
  readonly enforcement: Enforcement;
  readonly action: Action;
  readonly parameters: ActionParameters;
  readonly resourceType: string;
  readonly detectedAt: Instant;
  readonly settings: Pick<Settings, 'course'>;
  /** N of the demonstration clock; every length is divided by it here, and nowhere later. */
  readonly acceleration: number;
}

export interface Course {
  readonly action: RemediationAction;
  /** The first phase: `notice` before an escalation, else `grace`. */
  readonly phase: RemediationPhase;
  /** When a medium one becomes high; null where there is no such stage. */
  readonly escalateAt: Instant | null;
  readonly actAt: Instant;
  readonly remindersBeforeMs: readonly number[];
  readonly undoWindowMs: number;
  readonly maxPostponeMs: number;
}

/** Works out every deadline of a violation from its first detection. A low one without a grace of its own has no course: see `needsRemediation`. */
export function courseOf(request: CourseRequest): Course {
  const { settings, acceleration, detectedAt } = request;
  const length = (ms: number) => waitingLength(ms, acceleration);
  const escalateAt = request.severity === 'medium' ? detectedAt + length(request.graceMs ?? settings.course.mediumNoticeMs) : null;
  return {
    action: courseAction(request),
    phase: escalateAt === null ? 'grace' : 'notice',
    escalateAt,
    actAt: escalateAt === null ? detectedAt + length(onlyStageMs(request)) : escalateAt + length(settings.course.highGraceMs),
    remindersBeforeMs: settings.course.remindersBeforeMs.map(length),
    undoWindowMs: length(settings.course.undoWindowMs),
    maxPostponeMs: length(settings.course.maxPostponeMs),
  };
}

function onlyStageMs(request: CourseRequest): number {
  if (request.graceMs !== null) return request.graceMs;
  return request.severity === 'critical' ? 0 : request.settings.course.highGraceMs;
}

/** `warn` sends notices and never acts; a resize without a target size has nothing to do but tell. */
function courseAction(request: CourseRequest): RemediationAction {
  if (request.enforcement !== 'deny') return 'send_notification';
  return documentAction(request.action, request.resourceType, request.parameters);
}

/** True for what gets a course: not what is only audited, and a low one only if its rule gives it a grace of its own. */
export function needsRemediation(violation: Pick<ViolationRecord, 'severity' | 'enforcement' | 'graceMs'>): boolean {
  if (violation.enforcement === 'audit') return false;
  return violation.severity !== 'low' || violation.graceMs !== null;
}

const MACHINES: readonly string[] = ['compute/instance', 'database/instance'];
const DELETES: Readonly<Record<string, RemediationAction>> = {
  'storage/volume': 'delete_volume',
  'network/address': 'delete_address',
  'storage/snapshot': 'delete_snapshot',
};

/** A policy's word and a resource's type → the document's action; `send_notification` where the word has no meaning for the type. */
export function documentAction(action: Action, resourceType: string, parameters: ActionParameters): RemediationAction {
  const machine = MACHINES.includes(resourceType);
  switch (action) {
    case 'notify':
      return 'send_notification';
    case 'tag':
      return 'add_tags';
    case 'stop':
      return machine ? 'stop_instance' : 'send_notification';
    case 'resize':
      return machine && parameters.targetType !== undefined ? 'resize_instance' : 'send_notification';
    case 'terminate':
    case 'delete':
      return DELETES[resourceType] ?? (machine ? 'terminate_instance' : 'send_notification');
    default:
      return action satisfies never;
  }
}

const HARDNESS: Readonly<Record<RemediationAction, number>> = {
  send_notification: 0,
  add_tags: 1,
  stop_instance: 2,
  resize_instance: 2,
  terminate_instance: 3,
  delete_volume: 3,
  delete_address: 3,
  delete_snapshot: 3,
};

/** The softer of the two; of two equally hard ones the first, which is the one that was promised. */
export function softerAction(promised: RemediationAction, current: RemediationAction): RemediationAction {
  return HARDNESS[current] < HARDNESS[promised] ? current : promised;
}

/** True for what interrupts or destroys: it waits for pending exceptions and counts towards the blast radius. */
export function isDestructive(action: RemediationAction): boolean {
  return HARDNESS[action] >= HARDNESS.stop_instance;
}

/** True for what nobody can take back by an undo alone and therefore needs consent. */
export function needsConsent(
  action: RemediationAction,
  settings: Pick<Settings, 'allowAutoTerminate' | 'allowAutoDeleteVolumes'>,
): boolean {
  if (action === 'terminate_instance') return !settings.allowAutoTerminate;
  return HARDNESS[action] === HARDNESS.delete_volume && !settings.allowAutoDeleteVolumes;
}

/** The moments of the reminders, earliest first: only those inside the stage that began at `from`. */
export function reminderInstants(actAt: Instant, beforeMs: readonly number[], from: Instant): readonly Instant[] {
  return beforeMs
    .map((before) => actAt - before)
    .filter((at) => at > from && at < actAt)
    .sort((a, b) => a - b);
}
