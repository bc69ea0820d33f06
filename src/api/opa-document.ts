/** Reads what a client of the OPA Data API asks about: the request of `POST /v1/evaluate`, or the document of a tool as it is. */
import { TollgateError } from '../errors.js';
import { readAdmissionReview } from '../intake/admission/admission-review.js';
import { decodeDocument, parseJsonDocument, refuseUnusable } from '../intake/document.js';
import type { Intake, Lookup } from '../intake/intake.js';
import { looksLike, refuseOtherDocuments } from '../intake/looks-like.js';
import { readTerraformPlan } from '../intake/terraform/plan.js';
import { readYaml } from '../policy/parse-yaml.js';
import { type EvaluateRequest, evaluateRequest } from './contract/evaluate.js';
import { parseParts } from './input.js';
import { type PreparedIntake, prepareIntake } from './prepare.js';
import { refuseUnstorable } from './storable.js';

/** How a body is to be read. Plain JSON. */
export interface OpaReading {
  readonly contentType: string;
  /** Whether the body is the input itself; otherwise it has it as `input`. */
  readonly isBare: boolean;
  /** Whether a rule is asked that there is; otherwise the input is read and not checked. */
  readonly isAsked: boolean;
}

/** What an input asks. */
export type OpaInput =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'document'; readonly intake: PreparedIntake; readonly dryRun: boolean }
  | { readonly kind: 'request'; readonly request: EvaluateRequest; readonly logged: string };

/** Reads a body, a large one elsewhere than on the event loop; the bytes may be taken over. Undefined where it has no input. */
export type ReadOpaBody = (body: Uint8Array, reading: OpaReading, lookup: Lookup) => Promise<OpaInput | undefined>;

/** @throws invalid-input for what is neither JSON nor, where that is announced, YAML, and for what `readOpaInput` refuses */
export function readOpaBody(body: Uint8Array, { contentType, isBare, isAsked }: OpaReading, lookup: Lookup): OpaInput | undefined {
  const document = parseBody(body, contentType);
  if (isBare) return readOpaInput(document, isAsked, lookup);
  return typeof document === 'object' && document !== null && 'input' in document
    ? readOpaInput(document.input, isAsked, lookup)
    : undefined;
}

/** @throws invalid-input with each problem of the input, its paths as within `input` */
export function readOpaInput(input: unknown, isAsked: boolean, lookup: Lookup): OpaInput {
  if (!isAsked) return { kind: 'nothing' };
  switch (looksLike(input)) {
    case 'terraform-plan':
      return { kind: 'document', intake: prepareIntake(readTerraformPlan(input, lookup)), dryRun: false };
    case 'admission-review': {
      const { intake, dryRun } = readAdmissionReview(input, { cluster: null, lookup });
      return { kind: 'document', intake: prepareIntake(intake ?? NOT_JUDGED), dryRun };
    }
    default: {
      const within = requestWithin(input);
      refuseOtherDocuments(within);
      const { request } = parseParts({ request: [evaluateRequest, within] });
      return { kind: 'request', request: request as EvaluateRequest, logged: JSON.stringify(within) };
    }
  }
}

const NOT_JUDGED: Intake = { resources: [], notices: ['nothing in this request is judged'] };

function parseBody(body: Uint8Array, contentType: string): unknown {
  const text = decodeDocument(body, 'the body');
  const document = contentType.includes('yaml') ? parseYaml(text) : parseJsonDocument(text, 'the body');
  refuseUnstorable(document, 'request body');
  return document;
}

function parseYaml(text: string): unknown {
  const { documents, issues } = readYaml(text, null);
  const [problem] = issues;
  if (problem !== undefined) throw new TollgateError('invalid-input', `line ${problem.line}, column ${problem.column}: ${problem.message}`);
  const content = documents[0]?.content;
  refuseUnusable(content, 'the body');
  return content;
}

/** One resource is often given as `input.resource`, since Rego has no other place for it. */
function requestWithin(input: unknown): unknown {
  const { resource, ...rest } = (typeof input === 'object' && input !== null ? input : {}) as { readonly resource?: unknown };
  if (resource === undefined) return input;
  return typeof resource === 'object' && resource !== null ? { ...rest, ...resource } : { ...rest, type: resource };
}
