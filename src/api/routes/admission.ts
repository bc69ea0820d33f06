import { z } from 'zod';
import { readAdmissionReview } from '../../intake/admission/admission-review.js';
import { decodeDocument, parseJsonDocument } from '../../intake/document.js';
import { admissionAnswerSchema, allowUntouched, toAdmissionAnswer } from '../contract/admission.js';
import { text, wireObject } from '../contract/values.js';
import type { AppContext } from '../deps.js';
import { answerGate, gateRequestOf, mayNameOthers } from '../gate.js';
import { type Call, defineRoute, type Principal, type Reply } from '../route.js';
import { refuseUnstorable } from '../storable.js';

const MIB = 1024 * 1024;

/** The API server adds `timeout` of its own. */
const query = wireObject({
  cluster: text(128).optional().meta({ description: 'What the cluster is called: the account of what is judged' }),
  timeout: z.string().optional().meta({ description: 'Added by Kubernetes, not read' }),
});

/** Answers 200 for every decision. Anything else is, for Kubernetes, a webhook that failed: its `failurePolicy` then decides. */
export const admission = defineRoute('POST /v1/admission', {
  summary: 'Answer a Kubernetes AdmissionReview',
  tag: 'Evaluation',
  query,
  // An update brings the object twice, and one may have 1.5 MiB.
  raw: { types: ['application/json'], limitBytes: 8 * MIB },
  idempotencyKey: false,
  answers: { 200: { description: 'The review with its response', schema: admissionAnswerSchema } },
  handle: review,
});

async function review(context: AppContext, call: Call<unknown, z.output<typeof query>, Buffer>): Promise<Reply> {
  const { body, query: target, principal, at } = call;
  const document = parseJsonDocument(decodeDocument(body, 'the AdmissionReview'), 'the AdmissionReview');
  refuseUnstorable(document, 'request body');
  const { uid, userName, dryRun, intake } = readAdmissionReview(document, { cluster: target.cluster ?? null, lookup: context.lookup });
  if (intake === null) return { status: 200, body: allowUntouched(uid) };
  const requester = requesterFor(userName, principal);
  const request = gateRequestOf(intake, { door: 'admission', requester, dryRun, idempotencyKey: null });
  return { status: 200, body: toAdmissionAnswer(uid, await answerGate(context, { principal, at }, request)) };
}

/** Longer names are kept nowhere in the house. */
const LONGEST_NAME = 200;

/** Whom Kubernetes names, where the principal may name others; an admission is never refused for whom it names. */
function requesterFor(userName: string | null, principal: Principal): string {
  if (userName === null || userName.length > LONGEST_NAME || !mayNameOthers(principal)) return principal.id;
  return userName;
}
