/** The documents that doors read whole. A door is an entry here and a route; the entry also serves the thread for large documents. Pure. */
import { readCloudFormation } from './cloudformation/cloudformation.js';
import { parseCloudFormation } from './cloudformation/parse-template.js';
import { decodeDocument, parseJsonDocument } from './document.js';
import { readInfracost } from './infracost/infracost.js';
import type { Intake, Lookup } from './intake.js';
import { readPulumi } from './pulumi/pulumi.js';
import { readTerraformPlan } from './terraform/plan.js';

/** What a document does not say of itself, for resources that do not tell otherwise. Plain JSON. */
export interface DocumentTarget {
  /** Of the installation. */
  readonly currency: string;
  readonly namespace: string | null;
  readonly account: string | null;
  readonly region: string | null;
}

/** What a translator may use besides the document. */
export interface DocumentContext extends DocumentTarget {
  readonly lookup: Lookup;
}

interface DocumentReader {
  /** Names the document in errors. */
  readonly what: string;
  /** @throws invalid-input for another document, and says what it looks like */
  readonly read: (text: string, context: DocumentContext) => Intake;
}

const json =
  (what: string, read: (document: unknown, context: DocumentContext) => Intake): DocumentReader['read'] =>
  (text, context) =>
    read(parseJsonDocument(text, what), context);

export const DOCUMENT_READERS = {
  terraform: { what: 'the plan', read: json('the plan', (plan, { lookup, ...target }) => readTerraformPlan(plan, lookup, target)) },
  cloudformation: {
    what: 'the CloudFormation document',
    read: (text, context) => readCloudFormation(parseCloudFormation(text), context),
  },
  infracost: { what: 'the Infracost document', read: json('the Infracost document', readInfracost) },
  pulumi: { what: 'the Pulumi preview', read: json('the Pulumi preview', readPulumi) },
} as const satisfies Readonly<Record<string, DocumentReader>>;

export type DocumentDoor = keyof typeof DOCUMENT_READERS;

/** From bytes to resources. @throws invalid-input for what is no such document */
export function readDocument(door: DocumentDoor, bytes: Uint8Array, context: DocumentContext): Intake {
  const { what, read }: DocumentReader = DOCUMENT_READERS[door];
  return read(decodeDocument(bytes, what), context);
}
