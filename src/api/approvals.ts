/** What the gate does about a request that needs approval: finds what was granted, and asks for what was not. */
import { createHash } from 'node:crypto';
import { WithStartWorkflowOperation } from '@temporalio/client';
import { newId } from '../ids.js';
import { approvalWords } from '../notify/approval-words.js';
import { APPROVAL_EXPIRES_AFTER_MS, type ApprovalRecord } from '../policy/approval.js';
import { canonicalJson } from '../policy/canonical.js';
import { waitingLength } from '../policy/durations.js';
import { approversFor } from '../policy/exception.js';
import type { Decision, DeployFinding, Instant, Policy, Resource } from '../policy/model.js';
import { openApprovals } from '../store/approvals.js';
import { transaction } from '../store/db.js';
import { adminsAt } from '../store/exception-requests.js';
import { addressed, writeNotices } from '../store/outbox.js';
import type { SnapshotState } from '../store/snapshot.js';
import { type ApprovalInput, WORKFLOWS, workflowIds } from '../workflows/messages.js';
import { nameOf } from './contract/evaluate.js';
import { toWireResourceInput } from './contract/resource-input.js';
import type { AppContext } from './deps.js';

/** Names a request by what it asks for whom: an approval is for exactly that, its cost included. */
export function requestKeyOf(requester: string, resources: readonly Resource[]): string {
  const input = canonicalJson({ requester, resources: resources.map(toWireResourceInput) });
  return `sha256:${createHash('sha256').update(input).digest('hex')}`;
}

/** `policy/rule` of what is granted of a request at `at`. */
export function grantedOf({ granted }: SnapshotState, requestKey: string, at: Instant): ReadonlySet<string> {
  const live = (granted.get(requestKey) ?? []).filter(({ expiresAt }) => at < expiresAt);
  return new Set(live.map(({ policyName, ruleName }) => `${policyName}/${ruleName}`));
}

export interface ApprovalQuestion {
  readonly decision: Decision;
  readonly decisionId: string;
  readonly requestKey: string;
  readonly resources: readonly Resource[];
  readonly monthlyCost: string | null;
  readonly principal: string;
  readonly requester: string;
  readonly at: Instant;
}

type AskDeps = Pick<AppContext, 'pool' | 'snapshot' | 'directory' | 'temporal' | 'log'>;

/** Opens an approval for each rule that asks, and tells those who may decide; what is pending for the same request already is answered again. */
export async function askForApproval(deps: AskDeps, question: ApprovalQuestion): Promise<readonly ApprovalRecord[]> {
  const { pool } = deps;
  const { at } = question;
  const opened = await transaction(pool, async (db) => {
    const admins = await adminsAt(db, at);
    const all = await openApprovals(db, wantedOf(deps, question, admins), at);
    const notices = all.filter(({ isNew }) => isNew).flatMap((record) => addressed(messageOf(record), record.approvers));
    await writeNotices(db, notices, at);
    return all;
  });
  // The decision need not wait for this: a workflow that did not start is started by the first decision, or by a worker that starts.
  for (const record of opened) if (record.isNew) void start(deps, record);
  return opened;
}

function messageOf(record: ApprovalRecord) {
  return { subject: record.id, stage: 'pending', ...approvalWords(record) };
}

function wantedOf({ snapshot, directory }: AskDeps, question: ApprovalQuestion, admins: readonly string[]): readonly ApprovalRecord[] {
  const { policies, installation } = snapshot.get();
  const { requester, principal, resources, at } = question;
  return byRule(question.decision).map((findings) => {
    const [{ policyName, policyVersion, ruleName }] = findings;
    const policy = policies.policies.find((one) => one.policy.name === policyName)?.policy;
    const { groups, expiresAfterMs } = termsOf(policy, ruleName);
    const named = groups === null ? {} : { exceptionApprovers: groups };
    const may = approversFor({ directory, requester, policyType: policy?.type ?? 'ApprovalRequirement', admins, ...named });
    const id = newId('apr');
    const waitMs = waitingLength(expiresAfterMs, installation.acceleration);
    return {
      id,
      decisionId: question.decisionId,
      policyName,
      policyVersion,
      ruleName,
      requestKey: question.requestKey,
      principal,
      requester,
      resources: [...new Set(findings.map(({ resourceIndex }) => nameOf(resources, resourceIndex)))],
      reasons: [...new Set(findings.map(({ message }) => message))],
      monthlyCost: question.monthlyCost,
      groups,
      approvers: may.filter((one) => one !== principal),
      status: 'pending',
      requestedAt: at,
      expiresAt: at + waitMs,
      expiresAfterMs: waitMs,
      decidedBy: null,
      decidedAt: null,
      comments: null,
      workflowId: workflowIds.approval(id),
    };
  });
}

type Findings = readonly [DeployFinding, ...DeployFinding[]];

function byRule({ violations }: Decision): readonly Findings[] {
  const groups = new Map<string, [DeployFinding, ...DeployFinding[]]>();
  for (const finding of violations.filter(({ effect }) => effect === 'needs_approval')) {
    const key = `${finding.policyName}/${finding.ruleName}`;
    const same = groups.get(key);
    if (same === undefined) groups.set(key, [finding]);
    else same.push(finding);
  }
  return [...groups.values()];
}

/** A rule of another type than `ApprovalRequirement` (a budget's threshold) leaves both to the defaults. */
function termsOf(
  policy: Policy | undefined,
  ruleName: string,
): { readonly groups: readonly string[] | null; readonly expiresAfterMs: number } {
  const rule = policy?.type === 'ApprovalRequirement' ? policy.rules.find(({ name }) => name === ruleName) : undefined;
  return { groups: rule?.approvers ?? null, expiresAfterMs: rule?.expiresAfterMs ?? APPROVAL_EXPIRES_AFTER_MS };
}

export function startApprovalOperation({ temporal }: Pick<AppContext, 'temporal'>, record: ApprovalRecord) {
  return new WithStartWorkflowOperation<(input: ApprovalInput) => Promise<unknown>>(WORKFLOWS.approval, {
    ...startOptions(record),
    taskQueue: temporal.taskQueue,
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
}

function startOptions({ id, policyName, ruleName, expiresAt, workflowId }: ApprovalRecord) {
  const input: ApprovalInput = { id, policyName, ruleName, expiresAt };
  return { workflowId, args: [input] as [ApprovalInput], staticSummary: `approval for ${policyName}/${ruleName}` };
}

const START_DEADLINE_MS = 5_000;

async function start({ temporal, log }: AskDeps, record: ApprovalRecord): Promise<void> {
  try {
    const options = { ...startOptions(record), taskQueue: temporal.taskQueue, workflowIdConflictPolicy: 'USE_EXISTING' as const };
    await temporal.client.withDeadline(Date.now() + START_DEADLINE_MS, () => temporal.client.workflow.start(WORKFLOWS.approval, options));
  } catch (err) {
    log.warn({ err, approval: record.id }, 'the workflow of an approval could not be started: the first decision on it will');
  }
}
