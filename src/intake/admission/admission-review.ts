/** A Kubernetes AdmissionReview becomes a request in our words, or nothing to judge. Pure. */
import { z } from 'zod';
import { TollgateError } from '../../errors.js';
import type { Intake, Lookup } from '../intake.js';
import { unexpectedDocument } from '../looks-like.js';
import { type Place, parse, readerOf } from './workload.js';

export interface AdmissionQuestion {
  /** To be copied to the answer. */
  readonly uid: string;
  /** Who does it, as Kubernetes calls them. */
  readonly userName: string | null;
  readonly dryRun: boolean;
  /** Null for what is allowed untouched. */
  readonly intake: Intake | null;
}

const API_VERSION = 'admission.k8s.io/v1';

const envelope = z.looseObject({
  request: z.looseObject({
    uid: z.string().min(1).max(200),
    kind: z.looseObject({ group: z.string().nullish(), kind: z.string() }),
    subResource: z.string().nullish(),
    name: z.string().nullish(),
    namespace: z.string().nullish(),
    operation: z.string(),
    userInfo: z.looseObject({ username: z.string().nullish() }).nullish(),
    dryRun: z.boolean().nullish(),
    object: z.unknown(),
  }),
});
type Request = z.output<typeof envelope>['request'];

/** @throws invalid-input for another document, another version, and values that cannot be read, each with its path */
export function readAdmissionReview(
  document: unknown,
  options: { readonly cluster: string | null; readonly lookup: Lookup },
): AdmissionQuestion {
  refuseOthers(document);
  const { request } = parse(envelope, document, '');
  const { uid, dryRun, userInfo } = request;
  const place: Place = {
    namespace: request.namespace || null,
    name: request.name || null,
    cluster: options.cluster,
    volumeType: options.lookup.volumeType,
  };
  return { uid, userName: userInfo?.username || null, dryRun: dryRun ?? false, intake: read(request, place) };
}

function refuseOthers(document: unknown): void {
  const { kind, apiVersion } = (document ?? {}) as { kind?: unknown; apiVersion?: unknown };
  if (kind !== 'AdmissionReview') throw unexpectedDocument('admission-review', document);
  if (apiVersion === API_VERSION) return;
  const message = `expected \`${API_VERSION}\`, got \`${String(apiVersion).slice(0, 100)}\`: set \`admissionReviewVersions: ["v1"]\` in the webhook's configuration`;
  throw new TollgateError('invalid-input', message, { problems: [{ path: 'apiVersion', message }] });
}

const JUDGED_OPERATIONS: ReadonlySet<string> = new Set(['CREATE', 'UPDATE']);
/** An empty one is the object itself; `resize` brings the pod with its new requests. All others bring something else, such as a status. */
const JUDGED_SUBRESOURCES: ReadonlySet<string> = new Set(['', 'resize']);

function read(request: Request, place: Place): Intake | null {
  if (!JUDGED_OPERATIONS.has(request.operation) || !JUDGED_SUBRESOURCES.has(request.subResource ?? '')) return null;
  const readObject = readerOf(request.kind.group ?? '', request.kind.kind);
  if (readObject === undefined || isBeingDeleted(request.object)) return null;
  const { resources, notices } = readObject(request.object, place);
  // What it cost before is as unknown as what it costs.
  return request.operation === 'CREATE'
    ? { resources, notices }
    : { resources: resources.map((each) => ({ ...each, previousMonthly: null })), notices };
}

/** Refusing the update that takes away its last finalizer would keep an object, and its namespace, from ever going. */
function isBeingDeleted(object: unknown): boolean {
  const { metadata } = (object ?? {}) as { metadata?: { deletionTimestamp?: unknown } | null };
  return typeof metadata?.deletionTimestamp === 'string';
}
