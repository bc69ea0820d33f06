/** An example value for a required tag, worked out from what the rule asks of it. */
import type { RequiredTag } from './model.js';
import { exampleOfPattern } from './pattern-example.js';

const LONGEST = 256;

/** Repeats the last character until the text has `length` characters: `ab` of five is `abbbb`. */
function stretch(text: string, length: number): string {
  return text.padEnd(Math.min(length, LONGEST), text.at(-1) ?? 'x');
}

/** A value that `passes`, or undefined when none could be worked out. Never a guess: each candidate is checked. */
export function exampleOf(tag: RequiredTag, passes: (value: string) => boolean): string | undefined {
  const { key, pattern, allowedValues = [], minLength = 0, maxLength = LONGEST } = tag;
  const plain = pattern === undefined ? key : (exampleOfPattern(pattern) ?? key);
  return [...allowedValues, plain, stretch(plain, minLength), plain.slice(0, maxLength)].find(passes);
}
