/** Which file goes by which door, with and without a server; the server here is a listener that keeps what it is sent. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, createApiClient } from '../../src/cli/client.js';
import type { CliContext } from '../../src/cli/context.js';
import { readGivenFile } from '../../src/cli/documents.js';
import { createLocalJudge } from '../../src/cli/judge-here.js';
import { createRemoteJudge } from '../../src/cli/judge-there.js';
import { createCatalog } from '../../src/cloud/catalog/catalog.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const catalog = createCatalog();
const context = {
  loadPrices: () => Promise.resolve({ price: catalog.price, lookup: catalog.lookup, offers: catalog.offers }),
} as unknown as CliContext;
const plan = 'test/fixtures/terraform-plans/aws-26-changes-v0.14.json';
const small = 'test/fixtures/terraform-plans/aws-instance-and-lambda.json';

interface Sent {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}
const sent: Sent[] = [];
const server = createServer((req, res) => {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => {
    sent.push({ url: req.url ?? '', headers: req.headers, body: Buffer.concat(chunks) });
    res.setHeader('content-type', 'application/json').end('{}');
  });
});
let api: ApiClient;
beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  api = createApiClient({ server: `http://127.0.0.1:${port}`, token: 't', sleep: async () => {}, onNotice: () => {} });
});
afterAll(() => server.close());

function file(name: string, content: string | Uint8Array): string {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, content);
  return path;
}

describe('a file is recognised', () => {
  test.each([
    ['a plan', small, { kind: 'document', door: 'terraform' }],
    ['a compressed plan', () => file('plan.json.gz', gzipSync(readFileSync(small))), { kind: 'document', door: 'terraform' }],
    [
      'a plan as PowerShell writes it',
      () => file('plan.json', Buffer.from(`\ufeff${readFileSync(small, 'utf8')}`, 'utf16le')),
      { door: 'terraform' },
    ],
    ['a template as YAML', () => file('stack.yaml', 'Resources:\n  A:\n    Type: AWS::EC2::EIP\n'), { door: 'cloudformation' }],
    ['a preview', () => file('preview.json', '{"steps": []}'), { door: 'pulumi' }],
    ['an estimate', () => file('cost.json', '{"version": "0.2", "projects": [], "currency": "USD"}'), { door: 'infracost' }],
    ['a request', () => file('web.json', '{"type": "compute/instance"}'), { kind: 'evaluate' }],
    ['a review', () => file('review.json', '{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}'), { kind: 'admission' }],
  ])('%s', async (_, path, want) => {
    expect(await readGivenFile(typeof path === 'string' ? path : path())).toMatchObject(want);
  });

  test.each([
    ['a state', '{"version": 4, "serial": 1, "lineage": "x"}', /looks like a Terraform or OpenTofu state/],
    ['a binary plan', 'PK\u0003\u0004', /zip archive/],
    ['something else', '{"a": 1}', /looks like an object with the key `a`\nexpected a plan/],
    ['a bill', 'BilledCost,BillingAccountId,ChargePeriodStart\n1,2,2026-09-01', /looks like CSV; a bill .* `tollgate import focus FILE`/],
    ['another table', '"a","b","c"\n1,2,3', /looks like CSV/],
    ['half a document', '{"a": ', /line 1, column 7/],
  ])('%s is told apart', async (_, content, message) => {
    await expect(readGivenFile(file('x.json', content))).rejects.toThrow(message);
  });
  test('a file that is not there is told', async () => {
    await expect(readGivenFile('/nowhere/plan.json')).rejects.toThrow(/cannot read/);
  });
});

describe('the server is asked by the door of the document', () => {
  const judge = (asked = {}) => createRemoteJudge(context, api, asked);
  const last = () => sent.at(-1) as Sent;

  test('a small plan goes as it is, with what the command line says', async () => {
    await judge({ account: '1', dryRun: true, idempotencyKey: 'k' })(await readGivenFile(small));
    expect(last().url).toBe('/v1/evaluate/terraform?account=1&idempotency_key=k&dry_run=true');
    expect(last().body.equals(readFileSync(small))).toBe(true);
  });
  test('a large one goes compressed', async () => {
    await judge()(await readGivenFile(plan));
    expect(last().headers).toMatchObject({ 'content-encoding': 'gzip', 'content-type': 'application/json' });
    expect(gunzipSync(last().body).equals(readFileSync(plan))).toBe(true);
  });
  test('a request keeps its own words before those of the command line', async () => {
    await judge({ account: '1', region: 'r' })({ kind: 'evaluate', document: { type: 'compute/instance', account: '2' } });
    expect(last().url).toBe('/v1/evaluate');
    expect(JSON.parse(last().body.toString())).toEqual({ type: 'compute/instance', account: '2', region: 'r' });
  });
});

test('without a server a plan is judged by the files of a folder', async () => {
  const judge = await createLocalJudge(context, 'policies', {});
  const decision = await judge(await readGivenFile(small));
  expect(decision).toMatchObject({ decision: 'deny', decision_id: 'offline', durable: false });
  expect(decision.violations.map(({ resource_id: id }) => id)).toContain('aws_instance.web_app.ebs_block_device[0]');
});
