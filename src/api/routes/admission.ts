import { z } from 'zod';
import { readAdmissionReview } from '../../intake/admission/admission-review.js';
import { decodeDocument, parseJsonDocument } from '../../intake/document.js';
import { admissionAnswerSchema, allowUntouched, toAdmissionAnswer } from '../contract/admission.js';
import { text, wireObject } from '../contract/values.js';
import type { AppContext } from '../deps.js';
import { answerGate, gateRequestOf, mayNameOthers } from '../gate.js';
import { type Call, defineRoute, type Principal, type Reply, type Route } from '../route.js';
import { refuseUnstorable } from '../storable.js';

const MIB = 1024 * 1024;

const cluster = text(128).meta({ description: 'What the cluster is called: the account of what is judged' });
const timeout = wireObject({ timeout: z.string().optional().meta({ description: 'Added by Kubernetes, not read' }) });

// An update brings the object twice, and one may have 1.5 MiB.
const raw = { types: ['application/json'], limitBytes: 8 * MIB };
const answers = { 200: { description: 'The review with its response', schema: admissionAnswerSchema } };

/** Answers 200 for every decision. Anything else is, for Kubernetes, a webhook that failed: its `failurePolicy` then decides. */
export const admission: readonly Route[] = [
  defineRoute('POST /v1/admission', {
    summary: 'Answer a Kubernetes AdmissionReview',
    tag: 'Evaluation',
    query: timeout.extend({ cluster: cluster.optional() }),
    raw,
    idempotencyKey: false,
    answers,
    handle: (context, call) => review(context, call, call.query.cluster ?? null),
  }),
  defineRoute('POST /v1/admission/{cluster}', {
    summary: 'Answer a Kubernetes AdmissionReview of a cluster; the address of a webhook takes no query',
    tag: 'Evaluation',
    params: z.object({ cluster }),
    query: timeout,
    raw,
    idempotencyKey: false,
    answers,
    handle: (context, call) => review(context, call, call.params.cluster),
  }),
];

type ReviewCall = Pick<Call<unknown, unknown, Buffer>, 'body' | 'principal' | 'at'>;

async function review(context: AppContext, { body, principal, at }: ReviewCall, account: string | null): Promise<Reply> {
  const document = parseJsonDocument(decodeDocument(body, 'the AdmissionReview'), 'the AdmissionReview');
  refuseUnstorable(document, 'request body');
  const { uid, userName, dryRun, intake } = readAdmissionReview(document, { cluster: account, lookup: context.lookup });
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
