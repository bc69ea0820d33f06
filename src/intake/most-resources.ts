import { TollgateError } from '../errors.js';

/** More than any deployment has; all of them are judged before the answer. */
const MOST_RESOURCES = 10_000;

/** @param path of the list in the document @throws invalid-input, best before the resources are made and priced */
export function refuseTooMany(count: number, path: string): void {
  if (count <= MOST_RESOURCES) return;
  const message = `expected at most ${MOST_RESOURCES} resources that change, got ${count}`;
  throw new TollgateError('invalid-input', message, { problems: [{ path, message }] });
}
