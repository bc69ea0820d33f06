/** What the gate needs of a document besides its resources, worked out where the document is read: of a large one, in a thread. */
import { createHash } from 'node:crypto';
import type { Intake } from '../intake/intake.js';
import { refuseTooMany } from '../intake/most-resources.js';
import { type DocumentContext, type DocumentDoor, readDocument } from '../intake/readers.js';
import { canonicalJson } from '../policy/canonical.js';
import { toWireResourceInput } from './contract/resource-input.js';
import { refuseUnstorable } from './storable.js';

export interface PreparedIntake extends Intake {
  /** `sha256:…`: equal plans are one deployment. */
  readonly planDigest: string;
  /** JSON text of the resources, as `POST /v1/evaluate` would take them. */
  readonly wireText: string;
}

/** Reads a document of a door, a large one elsewhere than on the event loop; the bytes may be taken over. */
export type ReadDocument = (door: DocumentDoor, bytes: Uint8Array, context: DocumentContext) => Promise<PreparedIntake>;

/** @throws invalid-input for what is no such document, has too many resources, or texts that cannot be stored */
export function prepareDocument(door: DocumentDoor, bytes: Uint8Array, context: DocumentContext): PreparedIntake {
  const intake = readDocument(door, bytes, context);
  refuseTooMany(intake.resources.length, '');
  const prepared = prepareIntake(intake);
  // What cannot be stored is written with an escape in JSON, and hardly any document has one: no need then to look at each text.
  if (prepared.wireText.includes('\\u') || JSON.stringify(prepared.notices).includes('\\u')) refuseUnstorable(intake, 'request body');
  return prepared;
}

export function prepareIntake(intake: Intake): PreparedIntake {
  const wire = intake.resources.map(toWireResourceInput);
  return { ...intake, planDigest: digestOf(wire), wireText: JSON.stringify(wire) };
}

/** Names the deployment of a plan by what it asks for. */
export function digestOf(resources: ReturnType<typeof toWireResourceInput>[]): string {
  const hash = createHash('sha256');
  // One at a time: the text of thousands, in pieces until it is read, would be copied about by the garbage collector.
  for (const resource of resources) hash.update(canonicalJson(resource)).update('\n');
  return `sha256:${hash.digest('hex')}`;
}
