/** The approvals behind a logged decision. The log has the decision as it was judged: before it asked anybody, and without saying who had approved. */
import { TollgateError } from '../errors.js';
import { type ApprovalRecord, approvalStatus } from '../policy/approval.js';
import type { Instant } from '../policy/model.js';
import { listApprovalsFor } from '../store/approvals.js';
import type { DecisionRecord } from '../store/decisions.js';
import { requestKeyOf } from './approval-key.js';
import type { WireDecision } from './contract/evaluate.js';
import type { AppContext } from './deps.js';
import type { DecisionFactsRecord } from './judge.js';
import { resourcesOf } from './replay.js';

/** Those that it asked for, also where an earlier decision on the same request had asked already, and then those that it rested on. Status as of `at`. */
export async function approvalsOf(context: AppContext, record: DecisionRecord, at: Instant): Promise<readonly ApprovalRecord[]> {
  const asked = askedRules(record);
  const approved = approvedRules(record);
  if (asked.size === 0 && approved.length === 0) return [];
  const all = await listApprovalsFor(context.pool, record.id, requestKey(context, record));
  const found = [
    ...[...asked].flatMap(
      (rule) =>
        askedFor(
          record,
          all.filter((one) => versionedRule(one) === rule),
        ) ?? [],
    ),
    ...approved.flatMap(
      (rule) =>
        restedOn(
          record,
          all.filter((one) => `${one.policyName}/${one.ruleName}` === rule),
        ) ?? [],
    ),
  ];
  return found.map((one) => ({ ...one, status: approvalStatus(one, at) }));
}

/** Null where the request as logged cannot be read any more. */
function requestKey(context: AppContext, record: DecisionRecord): string | null {
  try {
    return requestKeyOf(record.requester, resourcesOf(context, record));
  } catch (error) {
    if (error instanceof TollgateError && error.code === 'conflict') return null;
    throw error;
  }
}

function versionedRule({ policyName, policyVersion, ruleName }: Pick<ApprovalRecord, 'policyName' | 'policyVersion' | 'ruleName'>): string {
  return `${policyName} ${policyVersion} ${ruleName}`;
}

/** A dry run asks nobody. */
function askedRules({ decision, dryRun, result }: DecisionRecord): ReadonlySet<string> {
  if (decision !== 'needs_approval' || dryRun) return new Set();
  const { violations } = JSON.parse(result) as WireDecision;
  const asking = violations.filter(({ effect }) => effect === 'needs_approval');
  return new Set(
    asking.map(({ policy_name: policyName, policy_version: policyVersion, rule_name: ruleName }) =>
      versionedRule({ policyName, policyVersion, ruleName }),
    ),
  );
}

function approvedRules({ facts }: DecisionRecord): readonly string[] {
  return facts === null ? [] : (JSON.parse(facts) as DecisionFactsRecord).approved;
}

/** One request has one approval of a rule at a time that is pending, or was rejected and stands: it asked for the first of those. */
function askedFor({ id, at }: DecisionRecord, ofRule: readonly ApprovalRecord[]): ApprovalRecord | undefined {
  const answersUntil = ({ status, decidedAt, requestedAt, expiresAt, expiresAfterMs }: ApprovalRecord) =>
    status === 'rejected' ? expiresAt : (decidedAt ?? requestedAt + expiresAfterMs);
  return ofRule.find(({ decisionId }) => decisionId === id) ?? ofRule.find((one) => at < answersUntil(one));
}

/** The last one given before it; a request whose body took its time may be judged by one that was given after it had come. */
function restedOn({ at }: DecisionRecord, ofRule: readonly ApprovalRecord[]): ApprovalRecord | undefined {
  const good = ofRule.filter(({ status, expiresAt }) => status === 'approved' && at < expiresAt);
  return good.findLast(({ decidedAt }) => (decidedAt ?? at) <= at) ?? good[0];
}
