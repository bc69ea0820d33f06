/** Which words are types of resources: our own kinds, and those of the providers as `provider/kind`. */
import { nearestWord } from './issue.js';
import { RESOURCE_TYPES } from './specs.js';

const KNOWN: ReadonlySet<string> = new Set(RESOURCE_TYPES);
const categoryOf = (type: string): string => type.split('/', 1)[0] ?? '';
const CATEGORIES: ReadonlySet<string> = new Set(RESOURCE_TYPES.map(categoryOf));

/** Whether it is one of our own kinds. */
export function isKnownType(type: string): boolean {
  return KNOWN.has(type);
}

/** What is wrong with a type in one of our own categories, however that is written: only known kinds exist there. */
export function unknownKind(type: string): string | undefined {
  if (KNOWN.has(type) || !CATEGORIES.has(categoryOf(type).toLowerCase())) return undefined;
  const near = nearestWord(type, RESOURCE_TYPES);
  return near === undefined
    ? `unknown resource type, known are ${RESOURCE_TYPES.join(', ')}`
    : `unknown resource type \`${type}\`, did you mean ${near}?`;
}

const FORM = /^[a-z0-9][a-z0-9_.-]*\/[a-z0-9][a-z0-9_.-]*$/;
export const EXPECTED_TYPE = 'expected a resource type such as compute/instance or aws/sagemaker-endpoint';

/** What is wrong with the type that a resource is said to have. */
export function typeProblem(type: string): string | undefined {
  return unknownKind(type) ?? (FORM.test(type) ? undefined : EXPECTED_TYPE);
}
