import { readFileSync } from 'node:fs';
import { load, YAMLException } from 'js-yaml';
import { z } from 'zod';
import type { Problem } from '../errors.js';
import { parseDuration } from '../policy/durations.js';
import { formatPath, nearestWord, type Path, showValue } from '../policy/issue.js';

/** What a file holds, or what is wrong with it: all of it. */
export type Parsed<T> = { readonly value: T } | { readonly problems: readonly Problem[] };

/** Reads and checks a YAML file; the `path` of a problem is `config/settings.yaml: course.highGrace`. An empty file gives all defaults. */
export function parseYamlFile<S extends z.ZodType>(file: string, schema: S): Parsed<z.output<S>> {
  let document: unknown;
  try {
    const text = readFileSync(file, 'utf8');
    document = /^\s*[^\s#]/m.test(text) ? load(text, { filename: file, maxAliases: 20 }) : {};
  } catch (error) {
    if (error instanceof YAMLException)
      return { problems: [{ path: `${file}:${(error.mark?.line ?? 0) + 1}:${(error.mark?.column ?? 0) + 1}`, message: error.reason }] };
    return { problems: [{ path: file, message: (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : String(error) }] };
  }
  const result = schema.safeParse(document ?? {});
  if (result.success) return { value: result.data };
  return { problems: result.error.issues.flatMap((issue) => problemsOf(file, schema, document, issue)) };
}

function problemsOf(file: string, schema: z.ZodType, document: unknown, issue: z.core.$ZodIssue): Problem[] {
  const at = (path: Path) => (path.length === 0 ? file : `${file}: ${formatPath(path)}`);
  const path = issue.path as (string | number)[];
  if (issue.code !== 'unrecognized_keys') {
    return [{ path: at(path), message: `${wordsOf(issue)}, got ${showValue(valueAt(document, path))}` }];
  }
  const known = keysAt(schema, path);
  return issue.keys.map((key) => {
    const near = nearestWord(key, known);
    return { path: at([...path, key]), message: near === undefined ? 'unknown key' : `unknown key, did you mean ${near}?` };
  });
}

function wordsOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `expected ${issue.expected}`;
  if (issue.code === 'invalid_value') return `expected ${issue.values.map(String).join(' or ')}`;
  if (issue.code === 'too_small') return `expected at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `expected at most ${issue.maximum}`;
  return issue.message;
}

function valueAt(document: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, step) => (value as Record<string | number, unknown> | undefined)?.[step], document);
}

/** The keys that the schema knows at `path`, read from its JSON Schema. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  type Node = { properties?: Record<string, Node>; items?: Node };
  let node: Node | undefined = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Node;
  for (const step of path) node = typeof step === 'number' ? node?.items : node?.properties?.[step];
  return Object.keys(node?.properties ?? {});
}

/** A length of time as people write it: `90s`, `12h`, `7d`. Kept as text, so that it can be shown as it was written. */
export const durationText = z
  .string()
  .refine((text) => parseDuration(text) !== undefined, 'expected a length of time such as `12h` or `7d`');

/** For what `durationText` has let through. */
export function durationMs(text: string): number {
  return parseDuration(text) ?? Number.NaN;
}
