import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WireDecision } from '../../src/api/contract/evaluate.js';
import { createWorld, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld({ worker: false });
});
afterAll(() => world.close());

const fixture = (name: string) => readFileSync(`test/fixtures/terraform-plans/${name}.json`);
const JSON_TYPE = { 'content-type': 'application/json' };
const PATH = '/v1/evaluate/terraform';

async function ask(raw: string | Uint8Array, more: { query?: string; headers?: Record<string, string> } = {}): Promise<WireDecision> {
  const { status, body } = await world.ask('POST', `${PATH}${more.query ?? ''}`, {
    as: 'deployer',
    raw,
    headers: more.headers ?? JSON_TYPE,
  });
  expect(status, JSON.stringify(body)).toBe(200);
  return body as WireDecision;
}

const change = (after: object, more: object = {}, sensitive: object = {}) => ({
  address: 'aws_instance.web',
  type: 'aws_instance',
  name: 'web',
  mode: 'managed',
  change: { actions: ['create'], after, after_unknown: {}, after_sensitive: sensitive, ...more },
});
const planOf = (...changes: object[]) =>
  JSON.stringify({
    format_version: '1.2',
    resource_changes: changes,
    configuration: { provider_config: { aws: { expressions: { region: { constant_value: 'us-east-1' } } } } },
  });
const GOOD = { 'cost-center': 'CC-001234', environment: 'production', owner: 'dana@company.com', project: 'web' };

describe('a plan is judged like a request', () => {
  test('violations name the address in the plan, the cost is a sum, and what is left out is said', async () => {
    const answer = await ask(fixture('aws-26-changes-v0.14'));
    expect(answer.decision).toBe('deny');
    expect(answer.violations.map(({ resource_id: id }) => id)).toContain('module.instances.aws_instance.module_instance_named["test.2"]');
    expect(answer.notices).toEqual(['not judged: 13 unchanged']);
    expect(answer.cost.low).not.toBeNull();
  });

  test('what complies is allowed, at its list price', async () => {
    const answer = await ask(planOf(change({ instance_type: 'm5.large', tags_all: GOOD })));
    expect(answer).toMatchObject({ allowed: true, decision: 'allow', cost: { low: '70.08', likely: '70.08', high: '70.08' } });
  });

  test('a plan that changes nothing is allowed', async () => {
    const answer = await ask(JSON.stringify({ format_version: '1.2', planned_values: {}, applyable: false }));
    expect(answer).toMatchObject({ decision: 'allow', notices: ['the plan cannot be applied: it changes nothing'] });
  });

  test('the query says what the plan does not', async () => {
    const plan = planOf({ ...change({ instance_type: 'm5.8xlarge', tags: {} }) });
    const answer = await ask(plan, {
      query: '?namespace=production&account=111122223333&dry_run=true&requester=dana%40company.com&idempotency_key=b-1',
    });
    expect(answer.violations.find(({ path }) => path === 'specs.vcpus')?.exception_hint?.resource).toEqual({
      type: 'compute/instance',
      account: '111122223333',
      namespace: 'production',
      address: 'aws_instance.web',
    });
  });

  test.each([
    ['gzip by content encoding', (bytes: Buffer) => gzipSync(bytes), { ...JSON_TYPE, 'content-encoding': 'gzip' }],
    ['gzip by content type', (bytes: Buffer) => gzipSync(bytes), { 'content-type': 'application/gzip' }],
    ['UTF-16, as PowerShell writes it', (bytes: Buffer) => Buffer.from(`\ufeff${bytes.toString()}`, 'utf16le'), JSON_TYPE],
    ['a byte order mark', (bytes: Buffer) => Buffer.concat([Buffer.from('\ufeff'), bytes]), JSON_TYPE],
  ])('%s makes no difference', async (_, encode, headers) => {
    const plain = await ask(fixture('aws-web-app'));
    const encoded = await ask(encode(fixture('aws-web-app')), { headers });
    expect(encoded.violations).toEqual(plain.violations);
    expect(encoded.cost).toEqual(plain.cost);
  });
});

describe('secrets', () => {
  test('a sensitive value is in no row of the decision log, and in no answer', async () => {
    const after = { instance_type: 'm5.large', tags_all: { ...GOOD, token: 'HUNTER-2' }, user_data: 'HUNTER-2', id: 'HUNTER-2' };
    const before = { ...after, instance_type: 'HUNTER-2' };
    const marks = { tags_all: { token: true }, user_data: true, id: true };
    const plan = planOf(change(after, { actions: ['update'], before, before_sensitive: { instance_type: true, ...marks } }, marks));
    const answer = await ask(plan);
    expect(JSON.stringify(answer)).not.toContain('HUNTER-2');
    const { rows } = await world.database.pool.query<{ text: string }>('select row_to_json(decisions)::text as text from decisions');
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.map(({ text }) => text).join('\n')).toContain(answer.decision_id);
    expect(rows.map(({ text }) => text).join('\n')).not.toMatch(/HUNTER-2|mock_secret_key|mock_access_key/);
  });

  test('what is refused is not shown either', async () => {
    const { status, body } = await world.ask('POST', PATH, {
      as: 'deployer',
      raw: '{"format_version": "1.0" "HUNTER-2"}',
      headers: JSON_TYPE,
    });
    expect(status).toBe(400);
    expect(JSON.stringify(body)).not.toContain('HUNTER-2');
  });
});

describe('what is no plan is 400, and says what it looks like', () => {
  test.each<readonly [string, string | Uint8Array, RegExp]>([
    ['a binary plan', Buffer.from('PK\u0003\u0004'), /zip archive.*terraform show -json/],
    ['half a document', '{"format_version": ', /line 1, column 20: the document ends too early/],
    ['a state', '{"version": 4, "serial": 1, "lineage": "x"}', /got a Terraform or OpenTofu state/],
    ['a preview of Pulumi', '{"steps": []}', /got a Pulumi preview/],
    ['a format of the future', '{"format_version": "2.0", "resource_changes": []}', /format 0.1 to 1.x, got `2.0`/],
    ['a change that is none', '{"format_version": "1.0", "resource_changes": [{}]}', /1 problem in the plan/],
    ['text that cannot be stored', planOf(change({ tags: { owner: '\0' } })), /1 problem in the request body/],
  ])('%s', async (_, raw, message) => {
    const { status, body } = await world.ask('POST', PATH, { as: 'deployer', raw, headers: JSON_TYPE });
    expect(status).toBe(400);
    expect((body as { detail: string }).detail).toMatch(message);
  });

  test('another content type is 415, a viewer is refused, an unknown word in the query is told', async () => {
    const plan = fixture('aws-web-app');
    expect((await world.ask('POST', PATH, { as: 'deployer', raw: plan, headers: { 'content-type': 'text/html' } })).status).toBe(415);
    expect((await world.ask('POST', `${PATH}?dryrun=true`, { as: 'deployer', raw: plan, headers: JSON_TYPE })).status).toBe(400);
    expect((await world.ask('POST', PATH, { token: null, raw: plan, headers: JSON_TYPE })).status).toBe(401);
  });
});

test('a plan of megabytes is read in a thread and answered alike', async () => {
  const idle = {
    ...change({ instance_type: 'm5.large', user_data: 'x'.repeat(2_000) }),
    change: { actions: ['no-op'], after: { user_data: 'x'.repeat(2_000) } },
  };
  const large = planOf(change({ instance_type: 'm5.large', tags_all: GOOD }), ...Array<object>(1_000).fill(idle));
  expect(large.length).toBeGreaterThan(2_000_000);
  const answer = await ask(large);
  expect(answer).toMatchObject({ decision: 'allow', cost: { likely: '70.08' }, notices: ['not judged: 1000 unchanged'] });
});
