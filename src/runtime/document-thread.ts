/** A thread that reads large documents, so that the event loop of the API goes on meanwhile. Started by `document-pool.ts`. */
import { parentPort } from 'node:worker_threads';
import { type OpaReading, readOpaBody } from '../api/opa-document.js';
import { type PreparedIntake, prepareDocument } from '../api/prepare.js';
import { createCatalog } from '../cloud/catalog/catalog.js';
import { TollgateError } from '../errors.js';
import type { DocumentDoor, DocumentTarget } from '../intake/readers.js';
import { type PackedIntake, type PackedOpaInput, packIntake, packOpaInput } from './packed-intake.js';

interface ReadJob {
  readonly bytes: Uint8Array;
  readonly door: DocumentDoor;
  readonly target: DocumentTarget;
}

interface OpaJob {
  readonly bytes: Uint8Array;
  readonly opa: OpaReading;
}

export type DocumentJob = ReadJob | OpaJob;

/** What a job makes, as it comes back. */
export type Made<J extends DocumentJob> = J extends OpaJob ? PackedOpaInput | undefined : PackedIntake;

/** What a thread answers: what it made, or the parts of the error. */
export type DocumentOutcome =
  | { readonly made: Made<DocumentJob> }
  | { readonly refused: Pick<TollgateError, 'code' | 'message' | 'problems'> }
  | { readonly failed: string };

const { lookup } = createCatalog();

function outcomeOf(job: DocumentJob): DocumentOutcome {
  try {
    return { made: 'opa' in job ? packOpaInput(readOpaBody(job.bytes, job.opa, lookup)) : packIntake(prepare(job)) };
  } catch (error) {
    if (!(error instanceof TollgateError)) return { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    const { code, message, problems } = error;
    return { refused: { code, message, problems } };
  }
}

function prepare({ door, bytes, target }: ReadJob): PreparedIntake {
  return prepareDocument(door, bytes, { ...target, lookup });
}

parentPort?.on('message', (job: DocumentJob) => parentPort?.postMessage(outcomeOf(job)));
