/** What a client of the OPA Data API asks about: the request of `POST /v1/evaluate`, or the document of a tool as it is. */
import { TollgateError } from '../errors.js';
import { readAdmissionReview } from '../intake/admission/admission-review.js';
import { decodeDocument, parseJsonDocument, refuseUnusable } from '../intake/document.js';
import type { Intake } from '../intake/intake.js';
import { looksLike } from '../intake/looks-like.js';
import { readTerraformPlan } from '../intake/terraform/plan.js';
import { readYaml } from '../policy/parse-yaml.js';
import { type EvaluateRequest, evaluateRequest } from './contract/evaluate.js';
import type { AppContext } from './deps.js';
import { type GateRequest, gateRequestOf } from './gate.js';
import { parseParts } from './input.js';
import type { Principal } from './route.js';
import { toGateRequest } from './routes/evaluate.js';
import { refuseUnstorable } from './storable.js';

/** @throws invalid-input for what is neither JSON nor, where that is announced, YAML */
export function parseBody(body: Buffer, contentType: string): unknown {
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

/** What is asked, and by whom; a question that is only read has no consequences, whatever the input says. */
export interface OpaQuestion {
  readonly input: unknown;
  readonly principal: Principal;
  readonly isReadOnly: boolean;
}

/** @throws invalid-input with each problem of the input, its paths as within `input` */
export function toOpaGateRequest(context: AppContext, question: OpaQuestion): GateRequest {
  const request = requestOf(context, question);
  return question.isReadOnly ? { ...request, dryRun: true } : request;
}

function requestOf(context: AppContext, { input, principal }: OpaQuestion): GateRequest {
  const options = { door: 'opa', requester: principal.id, dryRun: false, idempotencyKey: null } as const;
  switch (looksLike(input)) {
    case 'terraform-plan':
      return gateRequestOf(readTerraformPlan(input, context.lookup), options);
    case 'admission-review': {
      const { intake, dryRun } = readAdmissionReview(input, { cluster: null, lookup: context.lookup });
      return gateRequestOf(intake ?? NOTHING, { ...options, dryRun });
    }
    default: {
      const parsed = parseParts({ input: [evaluateRequest, requestWithin(input)] });
      return toGateRequest(context, parsed.input as EvaluateRequest, principal, {
        door: 'opa',
        logged: JSON.stringify(requestWithin(input)),
      });
    }
  }
}

const NOTHING: Intake = { resources: [], notices: ['nothing in this request is judged'] };

/** One resource is often given as `input.resource`, since Rego has no other place for it. */
function requestWithin(input: unknown): unknown {
  const { resource, ...rest } = (typeof input === 'object' && input !== null ? input : {}) as { readonly resource?: unknown };
  if (resource === undefined) return input;
  return typeof resource === 'object' && resource !== null ? { ...rest, ...resource } : { ...rest, type: resource };
}
