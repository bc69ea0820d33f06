import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { WireDecision } from '../api/contract/evaluate.js';
import { toWireResourceInput } from '../api/contract/resource-input.js';
import { readAdmissionReview } from '../intake/admission/admission-review.js';
import type { ApiClient, RequestOptions } from './client.js';
import type { CliContext } from './context.js';
import { type Asked, explained, type GivenFile, type Judge } from './documents.js';

/** Asks the server, by the door of each document. A file's own words come before those of the command line. */
export function createRemoteJudge(context: CliContext, api: ApiClient, asked: Asked): Judge {
  const { dryRun, idempotencyKey, ...target } = asked;
  const said = { ...target, idempotency_key: idempotencyKey };
  return async (given) => {
    if (given.kind === 'document') {
      const query = { ...said, dry_run: dryRun === true ? 'true' : undefined };
      const { body } = await api.send('POST', `v1/evaluate/${given.door}`, { query, text: await contentOf(given.bytes) });
      return body as unknown as WireDecision;
    }
    const request = await requestOf(context, given);
    const body = { ...said, ...request, ...(dryRun === true ? { dry_run: true } : {}) };
    return (await api.post('v1/evaluate', body)) as unknown as WireDecision;
  };
}

async function requestOf(context: CliContext, { kind, document }: Exclude<GivenFile, { kind: 'document' }>): Promise<object> {
  if (kind === 'evaluate') return document as object;
  const { lookup } = await context.loadPrices();
  const { intake } = explained(() => readAdmissionReview(document, { cluster: null, lookup }));
  return { resources: (intake?.resources ?? []).map(toWireResourceInput) };
}

/** From here on a document is compressed on its way. */
const COMPRESSED_FROM_BYTES = 64 * 1024;

async function contentOf(bytes: Uint8Array): Promise<NonNullable<RequestOptions['text']>> {
  if (bytes.length < COMPRESSED_FROM_BYTES) return { type: 'application/json', content: bytes };
  return { type: 'application/json', content: await promisify(gzip)(bytes), encoding: 'gzip' };
}
