/** A thread that reads large documents, so that the event loop of the API goes on meanwhile. Started by `document-pool.ts`. */
import { parentPort } from 'node:worker_threads';
import { type PreparedIntake, prepareDocument } from '../api/prepare.js';
import { createCatalog } from '../cloud/catalog/catalog.js';
import { TollgateError } from '../errors.js';
import type { DocumentDoor, DocumentTarget } from '../intake/readers.js';

export interface DocumentJob {
  readonly door: DocumentDoor;
  readonly bytes: Uint8Array;
  readonly target: DocumentTarget;
}

/** What a thread answers: resources, or the parts of the error. */
export type DocumentOutcome =
  | { readonly intake: PreparedIntake }
  | { readonly refused: Pick<TollgateError, 'code' | 'message' | 'problems'> }
  | { readonly failed: string };

const { lookup } = createCatalog();

function outcomeOf({ door, bytes, target }: DocumentJob): DocumentOutcome {
  try {
    return { intake: prepareDocument(door, bytes, { ...target, lookup }) };
  } catch (error) {
    if (!(error instanceof TollgateError)) return { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    const { code, message, problems } = error;
    return { refused: { code, message, problems } };
  }
}

parentPort?.on('message', (job: DocumentJob) => parentPort?.postMessage(outcomeOf(job)));
