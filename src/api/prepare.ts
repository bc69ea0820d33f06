/** What the gate needs of a document besides its resources, worked out where the document is read: of a large one, in a thread. */
import { createHash } from 'node:crypto';
import type { Intake } from '../intake/intake.js';
import { refuseTooMany } from '../intake/most-resources.js';
import { type DocumentContext, type DocumentDoor, readDocument } from '../intake/readers.js';
import type { Resource } from '../policy/model.js';
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
  const { resources } = intake;
  return { ...intake, planDigest: digestOf(resources), wireText: JSON.stringify(resources.map(toWireResourceInput)) };
}

/** Names the deployment of a plan by what it asks for. */
export function digestOf(resources: readonly Resource[]): string {
  const text = JSON.stringify(resources.map((resource) => toWireResourceInput(withTagsInOrder(resource))));
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** Tags come in any order; all other keys are written in the same one. */
function withTagsInOrder(resource: Resource): Resource {
  const keys = Object.keys(resource.tags);
  if (keys.every((key, index) => index === 0 || (keys[index - 1] ?? '') < key)) return resource;
  return { ...resource, tags: Object.fromEntries(keys.sort().map((key) => [key, resource.tags[key] ?? ''])) };
}
