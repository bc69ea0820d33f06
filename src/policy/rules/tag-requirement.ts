/** `TagRequirement`: tags that must be there, and what their values must look like. */
import { RE2JS } from 're2js';
import { exampleOf } from '../example.js';
import { isUnknownPath, tagOf } from '../match.js';
import type { Json, RequiredTag } from '../model.js';
import { remember } from '../remember.js';
import type { Fix } from '../verdict.js';
import { type Check, createNotKnown, type Failed, fixTo, quoteList, type RuleKind } from './check.js';

/** Longer values match no pattern: matching is linear, and this bounds it. Clouds allow 256 characters. */
const MAX_MATCHED_LENGTH = 4_096;

/** Whether a value matches, anywhere in it unless the pattern is anchored. @throws on a pattern that is not RE2. */
function createMatcher(pattern: string): (value: string) => boolean {
  const compiled = RE2JS.compile(pattern);
  return (value) => value.length <= MAX_MATCHED_LENGTH && compiled.test(value);
}

/** One condition on a value: undefined when it holds, else the words after `Tag 'owner' value 'x'`. */
type ValueTest = (value: string) => string | undefined;

function characters(value: string): number {
  let count = 0;
  for (const _ of value) count++;
  return count;
}

function valueTests({ pattern, allowedValues, minLength, maxLength }: RequiredTag): readonly ValueTest[] {
  const tests: ValueTest[] = [];
  if (pattern !== undefined) {
    const matches = createMatcher(pattern);
    tests.push((value) => (matches(value) ? undefined : 'does not match required pattern'));
  }
  if (allowedValues !== undefined) {
    const list = quoteList(allowedValues);
    tests.push((value) => (allowedValues.includes(value) ? undefined : `is not in allowed values: ${list}`));
  }
  if (minLength !== undefined) {
    tests.push((value) => (characters(value) >= minLength ? undefined : `is shorter than ${minLength} characters`));
  }
  if (maxLength !== undefined) {
    tests.push((value) => (characters(value) <= maxLength ? undefined : `is longer than ${maxLength} characters`));
  }
  return tests;
}

/** What a violation shows as the limit: all that the rule asks of the value, null where any will do. */
function limitOf({ pattern, allowedValues, minLength, maxLength }: RequiredTag): Json {
  const length = minLength === undefined && maxLength === undefined ? null : { min_length: minLength ?? 0, max_length: maxLength ?? null };
  return pattern ?? Object.freeze(allowedValues === undefined ? length : [...allowedValues]);
}

/** How to set the tag: a value that would pass where one can be worked out, else the rule's own words. */
function fixOf(tag: RequiredTag, verb: 'add' | 'change', passes: (value: string) => boolean): Fix {
  const example = exampleOf(tag, passes);
  const shown = tag.allowedValues === undefined ? example : tag.allowedValues.filter(passes).join(', ');
  const format = shown === undefined || shown === '' ? '' : `${tag.allowedValues === undefined ? ', for example' : ', one of'} ${shown}`;
  const description = tag.description === undefined ? '' : ` (${tag.description})`;
  const set: Fix['set'] = example === undefined ? {} : { [`tags.${tag.key}`]: example };
  return fixTo(set, `${verb} tag ${tag.key}${format}${description}`);
}

/** Values repeat over a fleet, so what was said of one is kept: for this many that pass, and this many that do not. */
const MAX_PASSED = 1_000;
const MAX_REFUSED = 100;

function tagCheck(tag: RequiredTag): Check {
  const { key } = tag;
  const path = `tags.${key}`;
  const limit = limitOf(tag);
  const tests = valueTests(tag);
  const passes = remember(MAX_PASSED, (value: string) => tests.every((test) => test(value) === undefined));
  const notKnown = createNotKnown(path);
  const missing: Failed = {
    kind: 'failed',
    check: Object.freeze({ path, observed: null, limit, message: `Required tag '${key}' is missing`, fix: fixOf(tag, 'add', passes) }),
    action: 'tag',
    missingTag: key,
  };
  const badFix = fixOf(tag, 'change', passes);
  const refuse = remember(MAX_REFUSED, (value: string): Failed => {
    const problems = tests.flatMap((test) => test(value) ?? []);
    const message = problems.map((problem) => `Tag '${key}' value '${value}' ${problem}`).join('; ');
    return { kind: 'failed', check: Object.freeze({ path, observed: value, limit, message, fix: badFix }), action: 'notify' };
  });
  return (resource) => {
    if (resource.taggable === false) return 'not-applicable';
    if (isUnknownPath(resource, path)) return notKnown(resource);
    const value = tagOf(resource.tags, key);
    if (value === undefined) return missing;
    return passes(value) ? 'passed' : refuse(value);
  };
}

/** `Missing required tags: a, b; Tag 'c' value 'd' does not match required pattern`. */
function summarize(failed: readonly Failed[]): string {
  const missing = failed.flatMap(({ missingTag }) => missingTag ?? []);
  const bad = failed.filter(({ missingTag }) => missingTag === undefined).map(({ check }) => check.message);
  return [...(missing.length === 0 ? [] : [`Missing required tags: ${missing.join(', ')}`]), ...bad].join('; ');
}

export const tagRequirement: RuleKind<'TagRequirement'> = {
  points: ['deploy', 'scan'],
  scanSeverity: 'medium',
  denial: 'deny',
  compile: ({ requiredTags }) => ({ checks: requiredTags.map(tagCheck), summarize }),
};
