/** CloudFormation change sets and templates as resources. Pure. */

import { TollgateError } from '../../errors.js';
import type { Intake, Lookup } from '../intake.js';
import { describeDocument, KIND_WORDS, looksLike } from '../looks-like.js';
import { isKeys, type Keys } from '../loose.js';
import { readChangeSet } from './change-set.js';
import { readTemplate } from './template.js';

/** What the document may not say of itself. */
export interface StackContext {
  readonly lookup: Lookup;
  readonly namespace: string | null;
  readonly account: string | null;
  readonly region: string | null;
}

/** @throws invalid-input for another document, and says what it looks like */
export function readCloudFormation(document: unknown, context: StackContext): Intake {
  const kind = looksLike(document);
  if (isKeys(document) && kind === 'cloudformation-change-set') return readChangeSet(document, context);
  if (isTemplate(document) && kind === 'cloudformation-template') return readTemplate(document, context);
  const words = `${KIND_WORDS['cloudformation-change-set']} or ${KIND_WORDS['cloudformation-template']}`;
  const message = `expected ${words}, got ${describeDocument(document)}`;
  throw new TollgateError('invalid-input', message, { problems: [{ path: '', message }] });
}

function isTemplate(document: unknown): document is Keys & { readonly Resources: Keys } {
  return isKeys(document) && isKeys(document['Resources']);
}
