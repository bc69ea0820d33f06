/** What the gate does about a request that needs approval: asks for it, rule by rule. */
import { WithStartWorkflowOperation } from '@temporalio/client';
import type { z } from 'zod';
import { newId } from '../ids.js';
import { approvalWords } from '../notify/approval-words.js';
import { APPROVAL_EXPIRES_AFTER_MS, type ApprovalRecord } from '../policy/approval.js';
import { waitingLength } from '../policy/durations.js';
import { approversFor } from '../policy/exception.js';
import type { Instant, Policy } from '../policy/model.js';
import { openApprovals } from '../store/approvals.js';
import { transaction } from '../store/db.js';
import { adminsAt } from '../store/exception-requests.js';
import { addressed, writeNotices } from '../store/outbox.js';
import { type ApprovalInput, approvalOptions } from '../workflows/approval-messages.js';
import { WORKFLOWS, workflowIds } from '../workflows/messages.js';
import { type approvalSchema, toWireApproval } from './contract/approval.js';
import type { WireDecision } from './contract/evaluate.js';
import type { AppContext, GateContext } from './deps.js';
import { linkToWorkflow } from './links.js';

export interface ApprovalQuestion {
  readonly answer: WireDecision;
  readonly requestKey: string;
  readonly principal: string;
  readonly requester: string;
  readonly at: Instant;
}

type AskDeps = Pick<GateContext, 'pool' | 'snapshot' | 'directory' | 'temporal' | 'log'>;

/**
 * Opens an approval for each rule that asks, and tells those who may decide. What is pending for the same request already, or was rejected
 * and stands, is answered again, and nobody is told.
 */
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
  const { answer, requester, principal, at } = question;
  return byRule(answer).map((findings) => {
    const [{ policy_name: policyName, policy_version: policyVersion, rule_name: ruleName }] = findings;
    const policy = policies.policies.find((one) => one.policy.name === policyName)?.policy;
    const { groups, expiresAfterMs } = termsOf(policy, ruleName);
    const named = groups === null ? {} : { exceptionApprovers: groups };
    const approvers = approversFor({
      directory,
      requester,
      principal,
      policyType: policy?.type ?? 'ApprovalRequirement',
      admins,
      ...named,
    });
    const id = newId('apr');
    const waitMs = waitingLength(expiresAfterMs, installation.acceleration);
    return {
      id,
      decisionId: answer.decision_id,
      policyName,
      policyVersion,
      ruleName,
      requestKey: question.requestKey,
      principal,
      requester,
      resources: [...new Set(findings.map(({ resource_id: name }) => name))],
      reasons: [...new Set(findings.map(({ message }) => message))],
      monthlyCost: answer.cost.likely,
      groups,
      approvers,
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

type Finding = WireDecision['violations'][number];

function byRule({ violations }: WireDecision): readonly (readonly [Finding, ...Finding[]])[] {
  const groups = new Map<string, [Finding, ...Finding[]]>();
  for (const finding of violations.filter(({ effect }) => effect === 'needs_approval')) {
    const key = `${finding.policy_name}/${finding.rule_name}`;
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

export function wireApprovalOf(context: AppContext, record: ApprovalRecord): z.infer<typeof approvalSchema> {
  const { currency } = context.snapshot.get().installation;
  return toWireApproval(record, { currency, workflow: linkToWorkflow(context, record.workflowId) });
}

export function startApprovalOperation(deps: StartDeps, record: ApprovalRecord) {
  return new WithStartWorkflowOperation<(input: ApprovalInput) => Promise<unknown>>(WORKFLOWS.approval, startOptions(deps, record));
}

type StartDeps = Pick<AskDeps, 'temporal' | 'snapshot' | 'directory'>;

function startOptions({ temporal, snapshot, directory }: StartDeps, record: ApprovalRecord) {
  const { currency } = snapshot.get().installation;
  return {
    ...approvalOptions(record, { currency, directory }),
    taskQueue: temporal.taskQueue,
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
  };
}

const START_DEADLINE_MS = 5_000;

async function start(deps: AskDeps, record: ApprovalRecord): Promise<void> {
  const { temporal, log } = deps;
  try {
    const options = startOptions(deps, record);
    await temporal.client.withDeadline(Date.now() + START_DEADLINE_MS, () => temporal.client.workflow.start(WORKFLOWS.approval, options));
  } catch (err) {
    log.warn({ err, approval: record.id }, 'the workflow of an approval could not be started: the first decision on it will');
  }
}
