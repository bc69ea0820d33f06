/** Which tool wrote a document, by the keys it has; so that a door can say what it was given, and the command line where to send it. Pure. */
import { TollgateError } from '../errors.js';

export type DocumentKind =
  | 'terraform-plan'
  | 'terraform-state'
  | 'terraform-other'
  | 'infracost'
  | 'cloudformation-change-set'
  | 'cloudformation-template'
  | 'pulumi-preview'
  | 'pulumi-state'
  | 'admission-review'
  | 'kubernetes-object'
  | 'run-task'
  | 'opa-input'
  | 'evaluate-request'
  | 'policy'
  | 'sarif';

/** As it stands in a sentence: `this looks like …`. */
export const KIND_WORDS: { readonly [K in DocumentKind]: string } = {
  'terraform-plan': 'a Terraform or OpenTofu plan (`terraform show -json FILE`)',
  'terraform-state': 'a Terraform or OpenTofu state, which plans nothing',
  'terraform-other': 'another output of Terraform or OpenTofu, such as schemas or the result of `validate`',
  infracost: 'an Infracost document (`infracost breakdown --format json`)',
  'cloudformation-change-set': 'a CloudFormation change set (`aws cloudformation describe-change-set`)',
  'cloudformation-template': 'a CloudFormation template',
  'pulumi-preview': 'a Pulumi preview (`pulumi preview --json`)',
  'pulumi-state': 'the export of a Pulumi stack, which plans nothing',
  'admission-review': 'a Kubernetes AdmissionReview',
  'kubernetes-object': 'a Kubernetes object',
  'run-task': 'a request of an HCP Terraform run task',
  'opa-input': 'a request of the OPA Data API (`{"input": …}`)',
  'evaluate-request': 'a request of `POST /v1/evaluate`',
  policy: 'a policy of Tollgate',
  sarif: 'a SARIF log',
};

/** Which door reads it, where one does. */
const DOORS: { readonly [K in DocumentKind]?: string } = {
  'terraform-plan': 'POST /v1/evaluate/terraform',
  infracost: 'POST /v1/evaluate/infracost',
  'cloudformation-change-set': 'POST /v1/evaluate/cloudformation',
  'cloudformation-template': 'POST /v1/evaluate/cloudformation',
  'pulumi-preview': 'POST /v1/evaluate/pulumi',
  'admission-review': 'POST /v1/admission',
  'run-task': 'POST /v1/run-tasks',
  'opa-input': 'POST /v1/data/tollgate',
};

type Keys = Readonly<Record<string, unknown>>;

const isList = (value: unknown): boolean => Array.isArray(value);
const isObject = (value: unknown): value is Keys => typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';

/** In this order: the first that fits. */
const SIGNS: readonly (readonly [DocumentKind, (document: Keys) => boolean])[] = [
  ['terraform-plan', (it) => 'format_version' in it && ('resource_changes' in it || 'planned_values' in it || 'output_changes' in it)],
  ['terraform-state', (it) => ('format_version' in it && 'values' in it) || ('lineage' in it && 'serial' in it)],
  ['terraform-other', (it) => 'format_version' in it && ('provider_schemas' in it || 'valid' in it || 'terraform_version' in it)],
  ['infracost', (it) => isList(it['projects']) && ('totalMonthlyCost' in it || 'currency' in it || 'timeGenerated' in it)],
  ['cloudformation-change-set', (it) => isList(it['Changes']) && ('ChangeSetId' in it || 'ChangeSetName' in it || 'StackName' in it)],
  ['cloudformation-template', (it) => isObject(it['Resources']) || 'AWSTemplateFormatVersion' in it],
  ['pulumi-preview', (it) => isList(it['steps']) || ('changeSummary' in it && 'config' in it)],
  ['pulumi-state', (it) => isObject(it['deployment']) && 'version' in it],
  ['admission-review', (it) => it['kind'] === 'AdmissionReview'],
  ['policy', (it) => it['kind'] === 'CostPolicy'],
  ['kubernetes-object', (it) => isText(it['apiVersion']) && isText(it['kind'])],
  ['run-task', (it) => 'access_token' in it && ('task_result_callback_url' in it || 'plan_json_api_url' in it || 'stage' in it)],
  ['sarif', (it) => isList(it['runs']) && 'version' in it],
  ['evaluate-request', (it) => isList(it['resources']) || isText(it['type']) || 'specs' in it],
  ['opa-input', (it) => 'input' in it],
];

/** Undefined for what no tool that we know of writes. */
export function looksLike(document: unknown): DocumentKind | undefined {
  return isObject(document) ? SIGNS.find(([, fits]) => fits(document))?.[0] : undefined;
}

/** `a Pulumi preview (…)`, else its shape: `an object with the keys a and b`. */
export function describeDocument(document: unknown): string {
  const kind = looksLike(document);
  if (kind !== undefined) return KIND_WORDS[kind];
  if (isObject(document)) return describeKeys(Object.keys(document));
  if (Array.isArray(document)) return `a list of ${document.length}`;
  return document === null ? 'null' : `a ${typeof document}`;
}

const KEYS_SHOWN = 5;

function describeKeys(keys: readonly string[]): string {
  if (keys.length === 0) return 'an empty object';
  const shown = keys.slice(0, KEYS_SHOWN).map((key) => `\`${key.slice(0, 40)}\``);
  const more = keys.length > KEYS_SHOWN ? ` and ${keys.length - KEYS_SHOWN} more` : '';
  return `an object with ${keys.length === 1 ? 'the key' : 'the keys'} ${shown.join(', ')}${more}`;
}

/** The error of a door that was given something else than it reads; it names the door that reads it. */
export function unexpectedDocument(expected: DocumentKind, document: unknown): TollgateError {
  const kind = looksLike(document);
  const door = kind === undefined || kind === expected ? undefined : DOORS[kind];
  const belongs = door === undefined ? '' : `, which \`${door}\` takes`;
  const message = `expected ${KIND_WORDS[expected]}, got ${describeDocument(document)}${belongs}`;
  return new TollgateError('invalid-input', message, { problems: [{ path: '', message }] });
}

/** @throws invalid-input for what is no request of our own, and by its keys the document of another tool */
export function refuseOtherDocuments(request: unknown): void {
  const kind = looksLike(request);
  if (kind !== undefined && kind !== 'evaluate-request') throw unexpectedDocument('evaluate-request', request);
}
