/** What every door does first: bytes become text, text becomes JSON, and what is neither is told in words that help. Pure. */
import { TollgateError } from '../errors.js';
import { refuseDuplicateKeys } from './duplicate-keys.js';
import { findSyntaxError } from './json-syntax.js';

/** Far deeper than anything that is meant; what walks a document by calling itself is safe with it. */
const DEEPEST = 100;

/**
 * The text of a document: UTF-8, or UTF-16 of either order (PowerShell's redirection writes it), with or without byte order mark.
 *
 * @param what names the document in errors: `the plan`, `plan.json`
 * @throws invalid-input that says what the bytes look like instead
 */
export function decodeDocument(bytes: Uint8Array, what: string): string {
  const binary = BINARIES.find(({ magic }) => startsWith(bytes, magic));
  if (binary !== undefined) throw refused(`${what} is not text: ${binary.said}`);
  const text = decoded(bytes, encodingOf(bytes));
  if (text === undefined) throw refused(`${what} is not text: expected UTF-8, or UTF-16 with a byte order mark`);
  if (text.trim() === '') throw refused(`${what} is empty`);
  return text;
}

const BINARIES: readonly { readonly magic: readonly number[]; readonly said: string }[] = [
  {
    magic: [0x50, 0x4b, 0x03, 0x04],
    said: 'it is a zip archive, as `terraform plan -out` writes; give the output of `terraform show -json FILE`',
  },
  { magic: [0x1f, 0x8b], said: 'it is compressed by gzip; send it with `content-encoding: gzip`' },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], said: 'it is compressed by zstd; send it as it is, or by gzip' },
  { magic: [0x00, 0x00, 0xfe, 0xff], said: 'it is UTF-32; give it as UTF-8' },
  { magic: [0xff, 0xfe, 0x00, 0x00], said: 'it is UTF-32; give it as UTF-8' },
];

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

/** A document starts with an ASCII character, so one NUL among the first two bytes tells UTF-16 and its order. */
function encodingOf(bytes: Uint8Array): Encoding {
  const [first = 0x20, second = 0x20] = bytes;
  if ((first === 0xff && second === 0xfe) || (first !== 0 && second === 0)) return 'utf-16le';
  if ((first === 0xfe && second === 0xff) || (first === 0 && second !== 0)) return 'utf-16be';
  return 'utf-8';
}

/** Without its byte order mark; undefined when the bytes are not of that encoding. */
function decoded(bytes: Uint8Array, encoding: Encoding): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

/**
 * The value of a JSON document, at most 100 levels deep. A key given twice in one object is refused, and so is a key `__proto__`: no tool
 * writes it, and what copies it by assignment would change a prototype.
 *
 * @param what names the document in errors: `the plan`, `plan.json`
 * @throws invalid-input with line and column of a syntax error or a second key, and no value of the document: it may hold secrets
 */
export function parseJsonDocument(text: string, what: string): unknown {
  const value = parsed(text, what);
  refuseUnusable(value, what);
  refuseDuplicateKeys(text, value, what);
  return value;
}

function parsed(text: string, what: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const written = WRITTEN_BY_OTHERS.find(({ pattern }) => pattern.test(text));
    if (written !== undefined) throw refused(`${what} is not JSON: ${written.said}`);
    const { line, column, found } = findSyntaxError(text);
    throw refused(`${what} is not JSON: line ${line}, column ${column}: ${found}`, `${line}:${column}`);
  }
}

/** What people give in place of a document, by how it begins. */
const WRITTEN_BY_OTHERS: readonly { readonly pattern: RegExp; readonly said: string }[] = [
  {
    pattern: /^\s*(\[command\]|::debug::)/,
    said: 'the wrapper of `hashicorp/setup-terraform` has added lines of its own; set `terraform_wrapper: false`',
  },
  {
    pattern: /^\s*\{"@level":/,
    said: 'it is the log that `terraform plan -json` prints; give the output of `terraform show -json FILE`',
  },
  {
    pattern: /^\s*(\p{Cc}\[[\d;]*m)*\s*(Terraform|OpenTofu) (used|will|has)/u,
    said: 'it is the plan as people read it; give the output of `terraform show -json FILE`',
  },
  { pattern: /^\s*(\p{Cc}\[[\d;]*m)*\s*(Error:|[╷│])/u, said: 'it is an error message of the tool that should have written it' },
  { pattern: /^\s*<(!doctype|html|\?xml)/i, said: 'it is HTML or XML' },
  {
    pattern: /^"?[\w /:.-]+"?(?:[,;\t]"?[\w /:.-]+"?)+\r?(?:\n|$)/,
    said: 'it looks like CSV; a bill in the FOCUS format is imported by `tollgate import focus FILE`',
  },
  { pattern: /^\s*(AWSTemplateFormatVersion|Resources|---)\b|^---\s/, said: 'it looks like YAML; give it as JSON' },
];

/** @throws invalid-input for what is nested too deeply, or has a key `__proto__`, whatever it was written in */
export function refuseUnusable(value: unknown, what: string, levels = DEEPEST): void {
  if (typeof value !== 'object' || value === null) return;
  if (levels === 0) throw refused(`${what} is nested too deeply: expected at most ${DEEPEST} levels`);
  if (Array.isArray(value)) {
    for (const item of value as unknown[]) refuseUnusable(item, what, levels - 1);
    return;
  }
  for (const key in value) {
    if (key === '__proto__') throw refused(`${what} has a key \`__proto__\`, which is not taken`);
    refuseUnusable((value as Record<string, unknown>)[key], what, levels - 1);
  }
}

function refused(message: string, path = ''): TollgateError {
  return new TollgateError('invalid-input', message, { problems: [{ path, message }] });
}
