/** The answer to a Kubernetes AdmissionReview (admission.k8s.io/v1). Pure. */
import { z } from 'zod';
import type { WireDecision } from './evaluate.js';

export const admissionAnswerSchema = z
  .object({
    apiVersion: z.literal('admission.k8s.io/v1'),
    kind: z.literal('AdmissionReview'),
    response: z.object({
      uid: z.string(),
      allowed: z.boolean(),
      status: z
        .object({ status: z.literal('Failure'), code: z.literal(403), reason: z.literal('Forbidden'), message: z.string() })
        .optional(),
      warnings: z.array(z.string().max(256)).readonly().optional(),
      auditAnnotations: z.record(z.string(), z.string()).optional(),
    }),
  })
  .meta({ id: 'AdmissionAnswer' });
export type AdmissionAnswer = z.infer<typeof admissionAnswerSchema>;

/** For what is not judged. */
export function allowUntouched(uid: string): AdmissionAnswer {
  return answer({ uid, allowed: true });
}

export function toAdmissionAnswer(uid: string, decision: WireDecision): AdmissionAnswer {
  const warnings = warningsOf(decision);
  return answer({
    uid,
    allowed: decision.allowed,
    ...(decision.allowed ? {} : { status: { status: 'Failure', code: 403, reason: 'Forbidden', message: refusal(decision) } }),
    ...(warnings.length === 0 ? {} : { warnings }),
    // Kubernetes puts the webhook's name before each key.
    auditAnnotations: { 'decision-id': decision.decision_id, decision: decision.decision },
  });
}

function answer(response: AdmissionAnswer['response']): AdmissionAnswer {
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
}

/** Far more than anybody reads; what the API server stores of a status is not to grow without end. */
const MOST_REASONS = 50;

/** As `kubectl` prints it: one line for each rule, with what would pass. */
function refusal({ message, violations, decision_id: id }: WireDecision): string {
  const reasons = violations.slice(0, MOST_REASONS).map((finding) => {
    const fix = finding.fix === null ? '' : ` (${finding.fix.text})`;
    return `[${finding.policy_name}/${finding.rule_name}] ${finding.resource_id}: ${finding.message}${fix}`;
  });
  const more = violations.length > MOST_REASONS ? [`and ${violations.length - MOST_REASONS} more`] : [];
  return [message, ...reasons, ...more, `decision ${id}`].join('\n');
}

/** A longer one is cut by Kubernetes, and past the total it shows none at all. */
const LONGEST_WARNING = 256;
const LONGEST_TOTAL = 4_096;

function warningsOf({ warnings, unknowns, notices, decision_id: id }: WireDecision): readonly string[] {
  const texts = [
    ...warnings.map((finding) => `[${finding.policy_name}/${finding.rule_name}] ${finding.resource_id}: ${finding.message}`),
    ...unknowns
      .filter(({ effect }) => effect === 'warn')
      .map(
        (unknown) => `[${unknown.policy_name}/${unknown.rule_name}] ${unknown.resource_id}: ${unknown.path} is unknown: ${unknown.reason}`,
      ),
    ...notices,
  ];
  return withinTotal(texts.map(toWarning), toWarning(`there are more warnings: see decision ${id}`));
}

function withinTotal(warnings: readonly string[], more: string): string[] {
  const size = (texts: readonly string[]) => texts.reduce((sum, { length }) => sum + length, 0);
  if (size(warnings) <= LONGEST_TOTAL) return [...warnings];
  let kept = 0;
  for (let total = more.length; total + (warnings[kept]?.length ?? 0) <= LONGEST_TOTAL; kept += 1) total += warnings[kept]?.length ?? 0;
  return [...warnings.slice(0, kept), more];
}

/** It travels in an HTTP header: one line, and nothing that cannot be printed. */
function toWarning(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\s]+/gu, ' ').trim();
  return line.length <= LONGEST_WARNING ? line : `${line.slice(0, LONGEST_WARNING - 1).replace(/\p{Cs}$/u, '')}…`;
}
