/** Policy documents in, policies or every problem at once out. */

import { formatIssue, formatPath, type Issue, nearestWord, tellIssues } from './issue.js';
import { POLICY_TYPES, type Policy } from './model.js';
import { readYaml, type YamlDocument } from './parse-yaml.js';
import { policySchema } from './schema.js';
import { findContradictions } from './schema-contradictions.js';
import { checkSchema, type Finding } from './schema-issues.js';

/** A policy beside the content it was made from, as the author wrote it (without comments). */
export interface PolicyDocument {
  readonly policy: Policy;
  readonly content: unknown;
}

export interface ParsedPolicies {
  /** Those without a problem. */
  readonly policies: readonly Policy[];
  /** The same, with their content. */
  readonly documents: readonly PolicyDocument[];
  /** In the order of the text; empty exactly when all is well. */
  readonly issues: readonly Issue[];
}

export interface PolicyFile {
  /** As messages name it. */
  readonly file: string;
  readonly text: string;
}

/** What is wrong with `content`. The rules of a mistyped type are checked by the type that was meant. */
function check(content: unknown): { readonly policy?: Policy; readonly findings: readonly Finding[] } {
  const { value, findings } = checkSchema(policySchema, content);
  const meant = value === undefined ? asMeant(content) : undefined;
  if (meant === undefined) {
    const all = [...findings, ...findContradictions(content)];
    return value === undefined || all.length > 0 ? { findings: all } : { policy: value, findings: all };
  }
  const ofType = findings.filter(({ path }) => path.length === 2 && path[0] === 'spec' && path[1] === 'type');
  return { findings: [...ofType, ...checkSchema(policySchema, meant).findings, ...findContradictions(meant)] };
}

/** `content` with the one type of policy that is near to the one it has; undefined where that is none, or already right. */
function asMeant(content: unknown): unknown {
  const spec = memberOf(content, 'spec');
  const type = memberOf(spec, 'type');
  if (typeof type !== 'string') return undefined;
  const near = nearestWord(type, POLICY_TYPES);
  const others = POLICY_TYPES.filter((other) => other !== near);
  if (near === undefined || near === type || nearestWord(type, others) !== undefined) return undefined;
  return { ...(content as object), spec: { ...(spec as object), type: near } };
}

/** A document that was read, valid or not. */
interface ReadDocument {
  readonly source: YamlDocument;
  readonly policy: Policy | undefined;
  readonly issues: readonly Issue[];
}

interface ReadFile {
  readonly documents: readonly ReadDocument[];
  /** Problems of the text itself, such as duplicate keys. */
  readonly issues: readonly Issue[];
}

function readDocument(source: YamlDocument): ReadDocument {
  const { policy, findings } = check(source.content);
  return { source, policy, issues: findings.map(({ path, at, message }) => source.issueAt(path, at, message)) };
}

function readFile({ text, file }: { readonly text: string; readonly file: string | null }): ReadFile {
  const { documents, earlier, issues } = readYaml(text, file);
  if (documents.length === 0 && issues.length === 0) {
    return { documents: [], issues: [{ file, line: 1, column: 1, path: '', message: 'no policy in it' }] };
  }
  const read = documents.map(readDocument);
  return { documents: read, issues: [...issues, ...onlyIn(earlier.map(readDocument), read)] };
}

/** The problems of `earlier` that are not those of `documents` too. */
function onlyIn(earlier: readonly ReadDocument[], documents: readonly ReadDocument[]): readonly Issue[] {
  const told = new Set(documents.flatMap(({ issues }) => issues.map(formatIssue)));
  return earlier.flatMap(({ issues }) => issues.filter((issue) => !told.has(formatIssue(issue))));
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

/** The name a document gives itself, also when the rest of it is wrong. */
function nameOf(content: unknown): string | undefined {
  const name = memberOf(memberOf(content, 'metadata'), 'name');
  return typeof name === 'string' ? name : undefined;
}

/** Adds an issue to each document whose name an earlier one has. */
function refuseDuplicateNames(files: readonly ReadFile[]): readonly ReadFile[] {
  const first = new Map<string, string>();
  const withName = (document: ReadDocument): ReadDocument => {
    const name = nameOf(document.source.content);
    if (name === undefined) return document;
    const issue = document.source.issueAt(['metadata', 'name'], 'value', '');
    const earlier = first.get(name);
    if (earlier === undefined) first.set(name, formatIssue({ ...issue, path: '' }));
    const message = `duplicate policy name \`${name}\`, first at ${earlier}`;
    return earlier === undefined ? document : { ...document, issues: [...document.issues, { ...issue, message }] };
  };
  return files.map((file) => ({ ...file, documents: file.documents.map(withName) }));
}

function collect(files: readonly { readonly file: string | null; readonly text: string }[]): ParsedPolicies {
  const read = refuseDuplicateNames(files.map(readFile));
  const documents = read
    .flatMap((file) => (file.issues.length === 0 ? file.documents : []))
    .flatMap(({ policy, issues, source }) => {
      return policy === undefined || issues.length > 0 ? [] : [{ policy, content: source.content }];
    });
  const issues = read.flatMap((file) => tellIssues([...file.issues, ...file.documents.flatMap((document) => document.issues)]));
  return { policies: documents.map(({ policy }) => policy), documents, issues };
}

/** Parses one text, which may hold several documents. `file` is only for messages; null for a body that came over HTTP. */
export function parsePolicies(text: string, file: string | null): ParsedPolicies {
  return collect([{ text, file }]);
}

/** Parses a set of files together: names must be unique over all of them. */
export function parsePolicyFiles(files: readonly PolicyFile[]): ParsedPolicies {
  return collect(files);
}

/** Parses one document that is already plain values, such as a JSON body; its issues have paths and no lines. */
export function parsePolicyContent(content: unknown): { readonly policy?: Policy; readonly issues: readonly Issue[] } {
  const { policy, findings } = check(content);
  const issues = findings.map(({ path, message }) => ({ file: null, line: null, column: null, path: formatPath(path), message }));
  return policy === undefined ? { issues: tellIssues(issues) } : { policy, issues };
}
