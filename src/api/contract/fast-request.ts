/**
 * The request that is asked most, one resource by its common keys, without the schema: that costs several times the judging. What is not
 * plainly such a request is left to the schema, and so is every problem. Pure.
 */
import { isKnownType } from '../../policy/resource-type.js';
import type { EvaluateRequest } from './evaluate.js';

/** The longest text of each key that is taken here. */
const TEXTS: Readonly<Record<string, number | undefined>> = {
  id: 2_048,
  name: 256,
  address: 2_048,
  provider: 64,
  account: 128,
  region: 64,
  namespace: 256,
  state: 64,
  idempotency_key: 200,
};
const NUMBER = 0;
/** Of each spec the longest text, or a number of 0 or more. */
const SPECS: Readonly<Record<string, number | undefined>> = {
  vcpus: NUMBER,
  memory_gb: NUMBER,
  instance_family: 200,
  instance_type: 200,
  size_gb: NUMBER,
  volume_type: 200,
  storage_gb: NUMBER,
  iops: NUMBER,
  bandwidth_mbps: NUMBER,
  purchase_option: 200,
  term_months: NUMBER,
};
const LONGEST_TAG_KEY = 256;
const LONGEST_TAG_VALUE = 1_024;
const LONGEST_PRINCIPAL = 200;

/** What `evaluateRequest` makes of `body`, which is parsed JSON; undefined where only the schema can say. */
export function fastRequest(body: unknown): EvaluateRequest | undefined {
  if (!isPlain(body) || typeof body['type'] !== 'string' || !isKnownType(body['type'])) return undefined;
  for (const key in body) if (!isTaken(key, body[key])) return undefined;
  const { tags = {}, specs = {}, dry_run = false } = body as Partial<EvaluateRequest>;
  return { ...(body as EvaluateRequest), tags, specs, dry_run };
}

type Plain = Readonly<Record<string, unknown>>;

/** A key `__proto__` of JSON is one that the schema treats by itself. */
function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !Object.hasOwn(value, '__proto__');
}

function isTaken(key: string, value: unknown): boolean {
  switch (key) {
    case 'type':
      return true;
    case 'tags':
      return isPlain(value) && areTags(value);
    case 'specs':
      return isPlain(value) && areSpecs(value);
    case 'dry_run':
      return typeof value === 'boolean';
    case 'requester':
      return isText(value, LONGEST_PRINCIPAL) && value.trim() === value;
    default:
      return isTextOf(TEXTS, key, value);
  }
}

function isTextOf(longest: typeof TEXTS, key: string, value: unknown): boolean {
  return Object.hasOwn(longest, key) && isText(value, longest[key] as number);
}

function isText(value: unknown, longest: number): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= longest;
}

function areTags(tags: Plain): boolean {
  for (const key in tags) {
    const value = tags[key];
    if (key.length > LONGEST_TAG_KEY || typeof value !== 'string' || value.length > LONGEST_TAG_VALUE) return false;
  }
  return true;
}

function areSpecs(specs: Plain): boolean {
  for (const key in specs) {
    const value = specs[key];
    const isSpec = SPECS[key] === NUMBER ? typeof value === 'number' && value >= 0 && value < Infinity : isTextOf(SPECS, key, value);
    if (!isSpec) return false;
  }
  return true;
}
