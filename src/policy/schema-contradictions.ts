/** What no single value of a policy shows: duplicates, and limits that contradict each other. Reads content that may be wrong elsewhere. */

import type { Path } from './issue.js';
import { CONSTRAINT_KEYS } from './schema.js';
import type { Finding } from './schema-issues.js';

type Mapping = Readonly<Record<string, unknown>>;

function mapping(value: unknown): Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};
}

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function finding(path: Path, message: string): Finding {
  return { path, at: 'value', message };
}

/** Each entry whose `key` an earlier one already has. */
function duplicates(entries: readonly unknown[], key: string, path: Path, what: string): readonly Finding[] {
  const seen = new Map<unknown, number>();
  return entries.flatMap((entry, index) => {
    const value = mapping(entry)[key];
    const first = seen.get(value);
    if (typeof value !== 'string' || first === undefined) {
      seen.set(value, index);
      return [];
    }
    return [finding([...path, index, key], `duplicate ${what} \`${value}\`, entry ${first} has it too`)];
  });
}

/** Words that are allowed and denied at once. */
function bothLists(constraint: Mapping, path: Path, allowed: string, denied: string): readonly Finding[] {
  const allows = items(constraint[allowed]);
  return items(constraint[denied]).flatMap((word, index) =>
    typeof word === 'string' && allows.includes(word) ? [finding([...path, denied, index], `\`${word}\` is in ${allowed} too`)] : [],
  );
}

function tagContradictions(tag: unknown, path: Path): readonly Finding[] {
  const { minLength, maxLength } = mapping(tag);
  if (typeof minLength !== 'number' || typeof maxLength !== 'number' || minLength <= maxLength) return [];
  return [finding([...path, 'minLength'], `expected at most maxLength ${maxLength}, got \`${minLength}\``)];
}

/** A window that ends when it begins is either no time or a whole day: nobody can tell which was meant. */
function windowContradictions(window: unknown, path: Path): readonly Finding[] {
  const { from, to } = mapping(window);
  if (typeof from !== 'string' || from !== to) return [];
  return [finding([...path, 'to'], `expected another time than from, got \`${from}\` for both; a whole day is from 00:00 to 24:00`)];
}

/** At least one of `keys`, for a mapping that is there: a rule that asks for nothing is a mistake. */
function needsOne(parent: Mapping, key: string | null, keys: readonly string[], path: Path): readonly Finding[] {
  const value = key === null ? parent : parent[key];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  const own = Object.keys(value);
  // An unknown key is told already; it was probably meant to be one of these.
  const others = key === null ? [] : own.filter((name) => !keys.includes(name) && name !== 'alertThresholds');
  if (others.length > 0 || own.some((name) => keys.includes(name))) return [];
  return [finding(key === null ? path : [...path, key], `expected at least one of ${keys.join(', ')}`)];
}

const AVERAGES = ['avgCpuBelowPercent', 'avgNetworkBelowBytesPerDay'];
const AMOUNTS = ['monthly', 'quarterly', 'yearly'];
const SELECTORS = ['tags', 'account', 'service'];
const CONDITIONS = ['monthlyCostAbove', 'purchaseOption', 'regionsOutside', 'resource'];

function ruleContradictions(value: unknown, type: unknown, path: Path): readonly Finding[] {
  const rule = mapping(value);
  const constraint = mapping(rule['constraint']);
  const tags = items(rule['requiredTags']);
  const tagsPath = [...path, 'requiredTags'];
  return [
    ...bothLists(constraint, [...path, 'constraint'], 'allowedInstanceFamilies', 'deniedInstanceFamilies'),
    ...bothLists(constraint, [...path, 'constraint'], 'allowedTypes', 'deniedTypes'),
    ...duplicates(tags, 'key', tagsPath, 'tag'),
    ...tags.flatMap((tag, index) => tagContradictions(tag, [...tagsPath, index])),
    ...needsOne(rule, 'constraint', CONSTRAINT_KEYS, path),
    ...needsOne(rule, 'budget', AMOUNTS, path),
    ...needsOne(rule, 'when', CONDITIONS, path),
    ...(type === 'BudgetLimit' ? needsOne(rule, 'selector', SELECTORS, path) : []),
    ...items(rule['running']).flatMap((window, index) => windowContradictions(window, [...path, 'running', index])),
    ...(type === 'Utilization' ? needsOne(rule, null, AVERAGES, path) : []),
  ];
}

export function findContradictions(content: unknown): readonly Finding[] {
  const spec = mapping(mapping(content)['spec']);
  const rules = items(spec['rules']);
  const path = ['spec', 'rules'];
  return [
    ...duplicates(rules, 'name', path, 'rule name'),
    ...rules.flatMap((rule, index) => ruleContradictions(rule, spec['type'], [...path, index])),
  ];
}
