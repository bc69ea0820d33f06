import { z } from 'zod';
import { deadlineText } from '../../policy/deadline-text.js';
import type { NoticeRecord } from '../../policy/house-records.js';
import { SEVERITIES } from '../../policy/model.js';
import {
  REMEDIATION_ACTIONS,
  REMEDIATION_PHASES,
  REMEDIATION_RESULTS,
  type RemediationRecord,
  type TimelineEvent,
  WAITING_FOR,
} from '../../policy/records.js';
import { pageQuery } from './page.js';
import { instant, instantInput, json, policyName, prose, text, toWireInstant, wireObject, workflowLink } from './values.js';
import { actionParameters, toWireParameters } from './violation.js';

export const remediationQuery = wireObject({
  ...pageQuery,
  phase: z.enum(REMEDIATION_PHASES).optional(),
  result: z.enum(REMEDIATION_RESULTS).optional(),
  waiting_for: z.enum(WAITING_FOR).optional(),
  action: z.enum(REMEDIATION_ACTIONS).optional(),
  policy: policyName.optional(),
  rule: policyName.optional(),
  severity: z.enum(SEVERITIES).optional(),
  team: text(256).optional(),
  account: text(128).optional(),
  resource: text(2_048).optional(),
  violation: text(100).optional(),
});

export const approveRequest = wireObject({ comments: prose(2_000).nullish() }).optional();
export const postponeRequest = wireObject({ until: instantInput, reason: prose(2_000) });
export const cancelRequest = wireObject({ reason: prose(2_000) });
export const undoRequest = wireObject({ reason: prose(2_000).nullish() }).optional();

const timelineEntry = z.object({ at: instant, event: z.string() }).catchall(json).meta({ id: 'TimelineEntry' });
type WireTimelineEntry = z.infer<typeof timelineEntry>;

const summaryKeys = {
  id: z.string(),
  violation_id: z.string(),
  resource_id: z.string(),
  resource_type: z.string(),
  provider: z.string(),
  account: z.string(),
  policy_name: z.string(),
  policy_version: z.string(),
  rule_name: z.string(),
  team: z.string(),
  owner: z.string().nullable(),
  action: z.enum(REMEDIATION_ACTIONS),
  parameters: actionParameters,
  dry_run: z.boolean(),
  phase: z.enum(REMEDIATION_PHASES),
  severity: z.enum(SEVERITIES),
  escalated: z.boolean(),
  detected_at: instant,
  escalate_at: instant.nullable(),
  act_at: instant,
  deadline_text: z.string().nullable().meta({ description: 'What comes next, in words; null when nothing is due' }),
  waiting_for: z.enum(WAITING_FOR).nullable(),
  attempts: z.int(),
  approved_by: z.string().nullable(),
  acted_at: instant.nullable(),
  result: z.enum(REMEDIATION_RESULTS).nullable(),
  result_message: z.string().nullable(),
  undo: z.object({ available: z.boolean(), until: instant.nullable() }),
  closed_at: instant.nullable(),
  workflow: workflowLink,
};

/** As lists show it. */
export const remediationSummary = z.object(summaryKeys).meta({ id: 'RemediationSummary' });
export const remediationSchema = z.object({ ...summaryKeys, timeline: z.array(timelineEntry) }).meta({ id: 'Remediation' });

export function toWireSummary(
  remediation: RemediationRecord,
  workflow: z.infer<typeof workflowLink>,
  at: number,
): z.infer<typeof remediationSummary> {
  return {
    id: remediation.id,
    violation_id: remediation.violationId,
    resource_id: remediation.resourceId,
    resource_type: remediation.resourceType,
    provider: remediation.provider,
    account: remediation.account,
    policy_name: remediation.policyName,
    policy_version: remediation.policyVersion,
    rule_name: remediation.ruleName,
    team: remediation.team,
    owner: remediation.owner,
    action: remediation.action,
    parameters: toWireParameters(remediation.parameters),
    dry_run: remediation.dryRun,
    phase: remediation.phase,
    severity: remediation.severity,
    escalated: remediation.escalated,
    detected_at: toWireInstant(remediation.detectedAt),
    escalate_at: toWireInstant(remediation.escalateAt),
    act_at: toWireInstant(remediation.actAt),
    deadline_text: deadlineText(remediation, at),
    waiting_for: remediation.waitingFor,
    attempts: remediation.attempts,
    approved_by: remediation.approvedBy,
    acted_at: toWireInstant(remediation.actedAt),
    result: remediation.result,
    result_message: remediation.resultMessage,
    undo: {
      available: remediation.phase === 'undo_window' && (remediation.undoUntil ?? 0) > at,
      until: toWireInstant(remediation.undoUntil),
    },
    closed_at: toWireInstant(remediation.closedAt),
    workflow,
  };
}

/** Events and notices together, oldest first. */
export function toWireTimeline(events: readonly TimelineEvent[], notices: readonly NoticeRecord[]): readonly WireTimelineEntry[] {
  const entries = [...events.map(toEntry), ...notices.flatMap(noticeEntries)];
  return entries.sort((a, b) => a.sortAt - b.sortAt).map(({ entry }) => entry);
}

interface SortableEntry {
  readonly sortAt: number;
  readonly entry: WireTimelineEntry;
}

function toEntry({ at, event, principal, details }: TimelineEvent): SortableEntry {
  return { sortAt: at, entry: { ...details, at: toWireInstant(at), event, ...(principal === null ? {} : { by: principal }) } };
}

function noticeEntries(notice: NoticeRecord): readonly SortableEntry[] {
  const { stage, recipient, channel, title } = notice;
  const about = { stage, to: recipient, channel, title };
  const queued = { sortAt: notice.createdAt, entry: { at: toWireInstant(notice.createdAt), event: 'notice-queued', ...about } };
  if (notice.deliveredAt === null)
    return [{ ...queued, entry: { ...queued.entry, attempts: notice.attempts, last_error: notice.lastError } }];
  return [{ sortAt: notice.deliveredAt, entry: { at: toWireInstant(notice.deliveredAt), event: 'notice-sent', ...about } }];
}
