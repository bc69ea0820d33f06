import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { WireDecision } from '../api/contract/evaluate.js';
import { toWireResourceInput } from '../api/contract/resource-input.js';
import { readAdmissionReview } from '../intake/admission/admission-review.js';
import type { ApiClient, RequestOptions } from './client.js';
import type { CliContext } from './context.js';
import { type Asked, explained, type Judge } from './documents.js';
import { allowNothing } from './judge-here.js';

/** Asks the server, by the door of each document. A file's own words come before those of the command line. */
export function createRemoteJudge(context: CliContext, api: ApiClient, asked: Asked): Judge {
  const { dryRun, idempotencyKey, ...target } = asked;
  const said = { ...target, idempotency_key: idempotencyKey };
  const ask = async (request: object) => {
    const body = { ...said, ...request, ...(dryRun === true ? { dry_run: true } : {}) };
    return (await api.post('v1/evaluate', body)) as unknown as WireDecision;
  };
  return async (given) => {
    switch (given.kind) {
      case 'document': {
        const query = { ...said, dry_run: dryRun === true ? 'true' : undefined };
        const { body } = await api.send('POST', `v1/evaluate/${given.door}`, { query, text: await contentOf(given.bytes) });
        return body as unknown as WireDecision;
      }
      case 'admission':
        return askAboutReview(context, given.document, ask);
      case 'evaluate':
        return ask(given.document as object);
      default:
        return given satisfies never;
    }
  };
}

/** The door of reviews answers a cluster and not a person: what a review holds is asked as a request. */
async function askAboutReview(
  context: CliContext,
  document: unknown,
  ask: (request: object) => Promise<WireDecision>,
): Promise<WireDecision> {
  const { lookup } = await context.loadPrices();
  const { intake } = explained(() => readAdmissionReview(document, { cluster: null, lookup }));
  if (intake === null) return allowNothing();
  const decision = await ask({ resources: intake.resources.map(toWireResourceInput) });
  return { ...decision, notices: [...intake.notices, ...decision.notices] };
}

/** From here on a document is compressed on its way. */
const COMPRESSED_FROM_BYTES = 64 * 1024;

async function contentOf(bytes: Uint8Array): Promise<NonNullable<RequestOptions['text']>> {
  if (bytes.length < COMPRESSED_FROM_BYTES) return { type: 'application/json', content: bytes };
  return { type: 'application/json', content: await promisify(gzip)(bytes), encoding: 'gzip' };
}
