/** Text of CloudFormation, JSON or YAML, as plain values: `!Ref X` becomes `{ Ref: X }`. Pure. */
import { CORE_SCHEMA, defineMappingTag, defineScalarTag, defineSequenceTag, load, YAMLException } from 'js-yaml';
import { TollgateError } from '../../errors.js';
import { parseJsonDocument, refuseUnusable } from '../document.js';

const WHAT = 'the CloudFormation document';

/** What CloudFormation takes itself is 1 MB; this is text that was read whole already. */
const LONGEST_YAML = 4_000_000;

/** @throws invalid-input with line and column of a syntax error */
export function parseCloudFormation(text: string): unknown {
  if (/^\s*[[{]/.test(text)) return parseJsonDocument(text, WHAT);
  if (text.length > LONGEST_YAML) throw refused(`${WHAT} is too long for YAML: expected at most ${LONGEST_YAML} characters`);
  const document = loaded(text);
  refuseUnusable(document, WHAT);
  return document;
}

function loaded(text: string): unknown {
  try {
    // CloudFormation has no aliases either; ten levels of ten would be resolved ten thousand million times
    return load(text, { schema: SCHEMA, maxAliases: 0, maxDepth: 100 });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const { line, column } = error.mark ?? { line: 0, column: 0 };
    throw refused(`${WHAT} is neither JSON nor YAML: line ${line + 1}, column ${column + 1}: ${error.reason}`, `${line + 1}:${column + 1}`);
  }
}

function refused(message: string, path = ''): TollgateError {
  return new TollgateError('invalid-input', message, { problems: [{ path, message }] });
}

interface Tagged<T> {
  readonly tag: string;
  readonly content: T;
}

/** `!Sub` is short for `Fn::Sub`, but for two that have no `Fn::`. */
function intrinsic(tag: string, content: unknown): unknown {
  const name = tag.replace(/^!/, '');
  return { [name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`]: content };
}

const never = (): boolean => false;

const SCHEMA = CORE_SCHEMA.withTags(
  defineScalarTag('!', { matchByTagPrefix: true, resolve: (source, _explicit, tag) => intrinsic(tag, source), identify: never }),
  defineSequenceTag<Tagged<unknown[]>, unknown>('!', {
    matchByTagPrefix: true,
    create: (tag) => ({ tag, content: [] }),
    addItem: ({ content }, item) => void content.push(item),
    finalize: ({ tag, content }) => intrinsic(tag, content),
    identify: never,
  }),
  defineMappingTag<Tagged<Map<string, unknown>>, unknown>('!', {
    matchByTagPrefix: true,
    create: (tag) => ({ tag, content: new Map() }),
    addPair: ({ content }, key, value) => {
      if (typeof key !== 'string' || key === '__proto__') return 'expected a key that is a text';
      content.set(key, value);
      return '';
    },
    has: ({ content }, key) => content.has(String(key)),
    keys: () => [],
    get: () => undefined,
    finalize: ({ tag, content }) => intrinsic(tag, Object.fromEntries(content)),
    identify: never,
  }),
);
