import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { TollgateError } from '../../src/errors.js';
import { decodeDocument, parseJsonDocument } from '../../src/intake/document.js';
import { type DocumentKind, describeDocument, looksLike } from '../../src/intake/looks-like.js';

function refusal(work: () => unknown): TollgateError {
  try {
    work();
  } catch (error) {
    if (error instanceof TollgateError && error.code === 'invalid-input') return error;
    throw error;
  }
  throw new Error('it was taken');
}

const text = '{"name": "größe 😀"}';
const big = (from: string) => Buffer.from(from, 'utf16le').swap16();

describe('bytes become text', () => {
  test.each([
    ['UTF-8', Buffer.from(text)],
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${text}`)],
    ['UTF-16 LE with a byte order mark, as PowerShell writes it', Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['UTF-16 BE with a byte order mark', big(`\ufeff${text}`)],
    ['UTF-16 LE without one', Buffer.from(text, 'utf16le')],
    ['UTF-16 BE without one', big(text)],
  ])('%s', (_, bytes) => {
    expect(decodeDocument(bytes, 'it')).toBe(text);
  });

  test.each([
    ['a binary plan', Buffer.from('PK\u0003\u0004rest'), /zip archive.*terraform show -json/],
    ['gzip', gzipSync(text), /gzip.*content-encoding/],
    ['UTF-32', Buffer.from([0, 0, 0xfe, 0xff, 0, 0, 0, 0x7b]), /UTF-32/],
    ['bytes of no encoding', Buffer.from([0x7b, 0xff, 0x22]), /not text: expected UTF-8/],
    ['half a character of UTF-16', Buffer.from([0xff, 0xfe, 0x7b]), /not text: expected UTF-8/],
    ['nothing', Buffer.alloc(0), /is empty/],
    ['blanks', Buffer.from(' \n'), /is empty/],
  ])('%s is told apart', (_, bytes, message) => {
    expect(refusal(() => decodeDocument(bytes, 'the plan')).message).toMatch(message);
  });
});

describe('text becomes JSON', () => {
  const why = (json: string) => refusal(() => parseJsonDocument(json, 'the plan')).message;

  test.each([
    ['{"a": 1', 'line 1, column 8: the document ends too early'],
    ['{"a": 1,\n  "b" 2}', 'line 2, column 7: expected `:`'],
    ['{"a": 1,}', 'line 1, column 9: expected a key in double quotes'],
    ['{a: 1}', 'line 1, column 2: expected a key in double quotes or `}`'],
    ['[1, 2 3]', 'line 1, column 7: expected `,` or the end of the list or object'],
    ['[1]\n[2]', 'line 2, column 1: expected nothing after the document'],
    ['{"a": NaN}', 'line 1, column 7: expected a value'],
    ['{"a": 01}', 'line 1, column 7: expected a value'],
    ['{"a": "tab\there"}', 'line 1, column 7: expected a value'],
    ['{"a": "\\x"}', 'line 1, column 7: expected a value'],
    ['{"a": [}', 'line 1, column 8: expected a value or `]`'],
  ])('%s is refused with its place', (json, place) => {
    expect(why(json)).toBe(`the plan is not JSON: ${why(json).slice('the plan is not JSON: '.length)}`);
    expect(why(json)).toContain(place);
  });

  test('no word of the document is in the error', () => {
    const error = refusal(() => parseJsonDocument('{"password": "hunter2" "x"}', 'the plan'));
    expect(JSON.stringify([error.message, error.problems])).not.toMatch(/hunter2|password/);
  });

  test('a text of megabytes without an end is refused too', () => {
    expect(why(`{"a": "${'x\\n'.repeat(2_000_000)}`)).toContain('line 1, column 7');
  });

  test.each([
    ['[command]/usr/bin/terraform-bin show -json\n{}', /terraform_wrapper: false/],
    ['{"@level":"info"}\n{"@level":"info"}', /log that `terraform plan -json` prints/],
    ['\u001b[1mTerraform will perform the following actions', /as people read it/],
    ['╷\n│ Error: no configuration', /error message/],
    ['<html></html>', /HTML/],
    ['AWSTemplateFormatVersion: 2010-09-09', /YAML/],
  ])('%j is called what it is', (json, message) => {
    expect(why(json)).toMatch(message);
  });

  test('a key given twice is refused, since readers differ in which of both counts', () => {
    expect(why('{"a": 1,\n "a": 2}')).toBe('the plan gives a key twice: a: duplicate key, again at line 2, column 2');
  });

  test.each(['{"x": {"__proto__": {"a": 1}}}', '{"\\u005f_proto__": 1}', '[{"__pr\\u006fto__": 1}]'])(
    'the key __proto__ is refused: %s',
    (json) => {
      expect(why(json)).toMatch(/key `__proto__`/);
    },
  );
  test('__proto__ as a value is a value', () => {
    expect(parseJsonDocument('{"a": "__proto__"}', 'it')).toEqual({ a: '__proto__' });
  });

  test('100 levels are taken and 101 are not', () => {
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    expect(parseJsonDocument(nested(100), 'it')).toBeDefined();
    expect(why(nested(101))).toMatch(/nested too deeply/);
    expect(why(nested(500_000))).toMatch(/nested too deeply/);
  });
});

describe('a document is recognised by its keys', () => {
  const plans: readonly (readonly [string, DocumentKind])[] = [
    ['terraform-plans/aws-web-app.json', 'terraform-plan'],
    ['terraform-plans/gke-v0.12-beta.json', 'terraform-plan'],
  ];
  test.each(plans)('%s', (file, kind) => {
    expect(looksLike(parseJsonDocument(readFileSync(`test/fixtures/${file}`, 'utf8'), file))).toBe(kind);
  });
  test.each<readonly [object, DocumentKind]>([
    [{ format_version: '1.0', values: {} }, 'terraform-state'],
    [{ version: 4, serial: 1, lineage: 'x', resources: [] }, 'terraform-state'],
    [{ format_version: '1.0', provider_schemas: {} }, 'terraform-other'],
    [{ version: '0.2', projects: [], totalMonthlyCost: null }, 'infracost'],
    [{ Changes: [], StackName: 'x' }, 'cloudformation-change-set'],
    [{ Resources: {} }, 'cloudformation-template'],
    [{ steps: [] }, 'pulumi-preview'],
    [{ version: 3, deployment: {} }, 'pulumi-state'],
    [{ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1' }, 'admission-review'],
    [{ kind: 'Pod', apiVersion: 'v1' }, 'kubernetes-object'],
    [{ kind: 'CostPolicy', apiVersion: 'x' }, 'policy'],
    [{ type: 'compute/instance' }, 'evaluate-request'],
    [{ resources: [] }, 'evaluate-request'],
    [{ input: {} }, 'opa-input'],
    [{ version: '2.1.0', runs: [] }, 'sarif'],
  ])('%j is a %s', (document, kind) => {
    expect(looksLike(document)).toBe(kind);
  });
  test('what nobody writes is described by its shape', () => {
    expect(['x', 7, null, [1], {}, { a: 1, b: 2 }].map(describeDocument)).toEqual([
      'a string',
      'a number',
      'null',
      'a list of 1',
      'an empty object',
      'an object with the keys `a`, `b`',
    ]);
  });
});
