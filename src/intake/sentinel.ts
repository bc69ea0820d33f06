import { type IsUnknown, UNKNOWN } from './terraform/attributes.js';

/** For attributes in which `UNKNOWN` itself stands where a value, or all that is below it, is not known. */
export function unknownIn(root: unknown): IsUnknown {
  return (path) => {
    let value = root;
    for (const step of path) {
      if (value === UNKNOWN) return true;
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return false;
      value = (value as Record<string | number, unknown>)[step];
    }
    return value === UNKNOWN;
  };
}
