import { createHash } from 'node:crypto';
import { addressed, type NewNotice } from '../store/outbox.js';
import type { WireDecision } from './contract/evaluate.js';

const FINDINGS_TOLD = 10;

/** Notices of a denial to its requester. */
export function denialNotices(answer: WireDecision, requester: string): readonly NewNotice[] {
  const { violations } = answer;
  const lines = violations
    .slice(0, FINDINGS_TOLD)
    .map((finding) => `${finding.resource_id}: ${finding.message}${finding.fix === null ? '' : `; ${finding.fix.text}`}`);
  const more =
    violations.length > FINDINGS_TOLD ? [`and ${violations.length - FINDINGS_TOLD} more, see decision ${answer.decision_id}`] : [];
  const reasons = violations.length === 0 ? ['a value that a policy needs is not known'] : [...lines, ...more];
  return addressed({ ...denialKey(answer, requester), title: answer.message, body: reasons.join('\n') }, [requester]);
}

const HOUR_OF_INSTANT = '2026-11-22T10'.length;

/** Subject and stage: a pipeline that tries again and again is told once an hour of the same findings, not at each denial. */
function denialKey({ violations, unknowns, evaluated_at: at }: WireDecision, requester: string): Pick<NewNotice, 'subject' | 'stage'> {
  const findings = [...violations, ...unknowns].map(({ policy_name, rule_name, resource_id, path }) => [
    policy_name,
    rule_name,
    resource_id,
    path,
  ]);
  const hash = createHash('sha256')
    .update(JSON.stringify([requester, findings]))
    .digest('hex');
  return { subject: `denial:${hash}`, stage: `denied ${at.slice(0, HOUR_OF_INSTANT)}` };
}
