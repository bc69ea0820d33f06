/** Input that is made to hurt, door by door: refused in words or judged, within a second. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld, type World } from '../api/world.js';
import { type Door, doorsFor, RUN_TASK_KEY } from './doors.js';
import { createGun, type Gun, isLateAlone, type Shot } from './shots.js';

const NO_DECISION = 'dec_01980000-0000-7000-8000-000000000000';
const JSON_TYPE = 'application/json';
const YAML_TYPE = 'application/yaml';

let world: World;
let gun: Gun;
beforeAll(async () => {
  world = await createWorld({ worker: false });
  const api = await world.another({ overrides: { runTaskKey: RUN_TASK_KEY } });
  gun = createGun(api.url, world.tokens.admin);
});
afterAll(async () => {
  gun.close();
  await world.close();
});

interface Attack {
  readonly path: string;
  readonly body: string | Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

async function answerTo({ path, body, headers }: Attack): Promise<{ readonly status: number; readonly text: string }> {
  const shot: Shot = { number: 0, path, bytes: Buffer.from(body as string), headers };
  const { status, text } = await gun.fire(shot);
  expect(await isLateAlone(gun, shot), 'late').toBe(false);
  expect(text).not.toContain('polluted');
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  return { status, text };
}

const many = (count: number, item: (index: number) => string, between = ',') =>
  Array.from({ length: count }, (_, index) => item(index)).join(between);
const nested = (depth: number, open = '[', close = ']') => open.repeat(depth) + close.repeat(depth);
const within = (text: string, members: string) => text.replace('{', `{${members},`);

const inInput = (text: string, value: string) => (text.startsWith('{"input"') ? `{"input":${value}}` : value);

type Change = (text: string) => string | Uint8Array;
/** What is done to a good document of every door that takes JSON; a run task's is signed all the same. */
const CHANGES: readonly (readonly [what: string, change: Change, status: number, said: RegExp])[] = [
  ['200,000 levels of lists', () => nested(200_000), 400, /nested too deeply/],
  ['101 levels beside what is good', (text) => within(text, `"zz":${nested(101)}`), 400, /nested too deeply/],
  ['5,000 levels of objects', (text) => within(text, `"zz":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`), 400, /nested too deeply/],
  ['a key `__proto__`', (text) => within(text, '"__proto__":{"polluted":true}'), 400, /__proto__/],
  ['NaN', (text) => within(text, '"zz":NaN'), 400, /not JSON/],
  ['Infinity', (text) => within(text, '"zz":Infinity'), 400, /not JSON/],
  ['a list of half a million', (text) => inInput(text, `[${'1,'.repeat(500_000)}1]`), 400, /expected/],
  ['Latin-1', (text) => Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from([0xe9, 0x7d])]), 400, /UTF-8/],
  ['nothing but spaces', () => ' '.repeat(500_000), 400, /empty|not JSON/],
];
const jsonDoors = doorsFor(NO_DECISION).filter(({ contentType, path }) => contentType === JSON_TYPE && !path.includes(NO_DECISION));

describe.each(CHANGES)('%s', (_, change, status, said) => {
  test.each(jsonDoors.map((door) => [door.path, door] as const))('to %s', async (path, door) => {
    const bytes = Buffer.from(change(door.texts[0] as string) as string);
    const answer = await answerTo({ path, body: bytes, headers: { 'content-type': JSON_TYPE, ...door.headersFor?.(bytes) } });
    const isTooLarge = bytes.length > (door.limitBytes ?? Infinity);
    expect(answer.status, answer.text).toBe(isTooLarge ? 413 : status);
    expect(answer.text).toMatch(isTooLarge ? /larger than/ : said);
  });
});

const SQUEEZED: readonly (readonly [what: string, change: (zipped: Buffer) => Uint8Array, encoding: string, status: number])[] = [
  ['100 MB of one letter', () => gzipSync(Buffer.alloc(100_000_000, 'a')), 'gzip', 413],
  ['cut off', (zipped) => zipped.subarray(0, zipped.length - 12), 'gzip', 400],
  ['followed by junk', (zipped) => Buffer.concat([zipped, Buffer.from('junk')]), 'gzip', 400],
  ['squeezed twice and said once', gzipSync, 'gzip', 400],
  ['squeezed twice', gzipSync, 'gzip, gzip', 415],
];
describe.each(SQUEEZED)('gzip, %s', (_, change, encoding, status) => {
  const doors = doorsFor(NO_DECISION).filter(({ isPublic }) => isPublic !== true);
  test.each(doors.map((door): [string, Door] => [`${door.path} as ${door.contentType}`, door]))('to %s', async (_door, door) => {
    const body = change(gzipSync(door.texts[0] as string));
    const answer = await answerTo({ path: door.path, body, headers: { 'content-type': door.contentType, 'content-encoding': encoding } });
    // A bill is known by its first lines, and refused before it is large.
    expect(answer.status, answer.text).toBe(status === 413 && door.contentType === 'text/csv' ? 400 : status);
  });
});

const tags = (count: number) => `{${many(count, (index) => `"t${index}":"v"`)}}`;
const planOf = (count: number, more = '') =>
  `{"format_version":"1.2","resource_changes":[${many(
    count,
    (index) =>
      `{"address":"aws_instance.a[${index}]","mode":"managed","type":"aws_instance","name":"a","change":{"actions":["create"],"before":null,"after":{"instance_type":"m5.large"${more}}}}`,
  )}]}`;
const infracost = (resources: string) =>
  `{"version":"0.2","currency":"USD","projects":[{"name":"p","breakdown":{"resources":[${resources}]}}]}`;
const cloudFormation = (properties: string, parameters = '{}') =>
  `{"Parameters":${parameters},"Resources":{"R":{"Type":"AWS::EC2::Instance","Properties":${properties}}}}`;
const changeSet = (after: string) =>
  `{"StackName":"s","Changes":[{"Type":"Resource","ResourceChange":{"Action":"Add","LogicalResourceId":"R","ResourceType":"AWS::EC2::Instance","AfterContext":${JSON.stringify(after)}}}]}`;
const pod = (labels: string, containers: string) =>
  `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"operation":"CREATE","userInfo":{"username":"x"},"object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"n","labels":${labels}},"spec":{"containers":${containers}}}}}`;
const preview = (count: number, inputs: string) =>
  `{"steps":[${many(
    count,
    (index) =>
      `{"op":"create","urn":"urn:pulumi:d::p::aws:ec2/instance:Instance::w${index}","newState":{"type":"aws:ec2/instance:Instance","urn":"urn:pulumi:d::p::aws:ec2/instance:Instance::w${index}","inputs":${inputs}}}`,
  )}]}`;

const sub = (inner: string) => `{"Fn::Sub":["\${a}\${a}",{"a":${inner}}]}`;
const doubled = (levels: number): string => (levels === 0 ? '"x"' : sub(doubled(levels - 1)));
const long = `{"P":{"Type":"String","Default":"${'x'.repeat(60_000)}"}}`;
const refs = (count: number) => many(count, () => '{"Ref":"P"}');

type Case = readonly [what: string, path: string, body: string, status: number, said: RegExp, type?: string];
const CASES: readonly Case[] = [
  ['100,000 tags', '/v1/evaluate', `{"type":"compute/instance","tags":${tags(100_000)}}`, 200, /"decision"/],
  ['100,000 tags', '/v1/data/tollgate/evaluate', `{"input":{"type":"compute/instance","tags":${tags(100_000)}}}`, 200, /"decision"/],
  ['100,000 labels', '/v1/admission', pod(tags(100_000), '[]'), 200, /"uid":"u"/],
  ['20,000 tags', '/v1/evaluate/terraform', planOf(1, `,"tags":${tags(20_000)}`), 200, /"decision"/],
  ['20,000 tags', '/v1/evaluate/infracost', infracost(`{"name":"aws_instance.a","tags":${tags(20_000)}}`), 200, /"decision"/],
  ['20,000 tags', '/v1/evaluate/pulumi', preview(1, `{"tags":${tags(20_000)}}`), 200, /"decision"/],
  ['1,001 resources', '/v1/evaluate', `{"resources":[${many(1_001, () => '{"type":"a/b"}')}]}`, 400, /list of 1 to 1000 resources/],
  ['200,000 resources', '/v1/evaluate', `{"resources":[${many(200_000, () => '{}')}]}`, 400, /list of 1 to 1000 resources/],
  ['100,000 unknown specs', '/v1/evaluate', `{"type":"a/b","specs":{${many(100_000, (at) => `"s${at}":1`)}}}`, 400, /first 1000 are named/],
  ['a tag of a megabyte', '/v1/evaluate', `{"type":"a/b","tags":{"cost-center":"${'a'.repeat(1_000_000)}!"}}`, 400, /at most 1024/],
  ['1e999 as a number', '/v1/evaluate', '{"type":"a/b","specs":{"vcpus":1e999}}', 400, /specs.vcpus/],
  ['1e999 as money', '/v1/evaluate', '{"type":"a/b","cost":{"hourly":"1e999"}}', 400, /cost.hourly/],
  ['10,001 resources', '/v1/evaluate/terraform', planOf(10_001), 400, /at most 10000 resources that change, got 10001/],
  ['10,001 resources', '/v1/data/tollgate/evaluate', `{"input":${planOf(10_001)}}`, 400, /at most 10000 resources/],
  ['10,001 resources', '/v1/evaluate/infracost', infracost(many(10_001, (at) => `{"name":"aws_instance.a${at}"}`)), 400, /at most 10000/],
  ['10,001 resources', '/v1/evaluate/pulumi', preview(10_001, '{}'), 400, /at most 10000/],
  [
    '10,001 resources',
    '/v1/evaluate/cloudformation',
    `{"Resources":{${many(10_001, (at) => `"R${at}":{"Type":"AWS::EC2::Instance"}`)}}}`,
    400,
    /at most 10000/,
  ],
  ['a sum of NaN', '/v1/evaluate/infracost', infracost('{"name":"aws_instance.a","monthlyCost":"NaN"}'), 200, /"monthly":null|unknown/],
  [
    'text that opens forever',
    '/v1/evaluate/cloudformation',
    cloudFormation(`{"A":{"Fn::Sub":"${'${'.repeat(40_000)}"}}`),
    200,
    /"decision"/,
  ],
  ['text that doubles 30 times', '/v1/evaluate/cloudformation', cloudFormation(`{"InstanceType":${doubled(30)}}`), 200, /"decision"/],
  [
    'a long default joined often',
    '/v1/evaluate/cloudformation',
    cloudFormation(`{"InstanceType":{"Fn::Join":["",[${refs(20_000)}]]}}`, long),
    200,
    /"decision"/,
  ],
  [
    'a long default split often',
    '/v1/evaluate/cloudformation',
    cloudFormation(`{"X":[${many(4_000, () => '{"Fn::Split":["",{"Ref":"P"}]}')}]}`, long),
    200,
    /"decision"/,
  ],
  ['nesting in a text', '/v1/evaluate/cloudformation', changeSet(`{"Properties":{"X":${nested(50_000)}}}`), 200, /"decision"/],
  [
    'YAML aliases',
    '/v1/evaluate/cloudformation',
    'a: &a [x,x]\nb: &b [*a,*a]\nResources: {R: {Type: x, Properties: {T: *b}}}',
    400,
    /alias/,
    YAML_TYPE,
  ],
  ['a YAML key `__proto__`', '/v1/evaluate/cloudformation', 'Resources: {__proto__: {polluted: true}}', 400, /__proto__/, YAML_TYPE],
  ['a YAML key `__proto__`', '/v1/data/tollgate/evaluate', 'input: {__proto__: {polluted: true}}', 400, /__proto__/, YAML_TYPE],
  ['100,000 levels of YAML', '/v1/evaluate/cloudformation', '- '.repeat(100_000), 400, /maxDepth/, YAML_TYPE],
  ['100,000 YAML documents', '/v1/evaluate/cloudformation', '---\n{}\n'.repeat(100_000), 400, /single document/, YAML_TYPE],
  [
    'a quantity of 100,000 digits',
    '/v1/admission/c',
    pod('{}', `[{"name":"c","resources":{"requests":{"cpu":"${'9'.repeat(100_000)}"}}}]`),
    400,
    /cpu/,
  ],
  [
    'a quantity of 1e999999999',
    '/v1/admission/c',
    pod('{}', '[{"name":"c","resources":{"requests":{"memory":"1e999999999"}}}]'),
    400,
    /memory/,
  ],
  ['60,000 policies', '/v1/policies/validate', '---\n{}\n'.repeat(60_000), 200, /too many documents, at most 1000/, YAML_TYPE],
  ['the same key 60,000 times', '/v1/policies/validate', 'a: 1\n'.repeat(60_000), 200, /more problems/, YAML_TYPE],
  ['100,000 unknown keys', '/v1/policies/validate', `{"content":{${many(100_000, (at) => `"k${at}":1`)}}}`, 200, /too large/],
  ['10,000 unknown keys', '/v1/policies/validate', `{"content":{${many(10_000, (at) => `"k${at}":1`)}}}`, 200, /more problems/],
  ['500,000 rules', '/v1/policies/validate', `{"content":{"spec":{"rules":[${many(500_000, () => '{}')}]}}}`, 200, /too large/],
  ['an alias bomb', '/v1/policies/validate', 'a: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]', 200, /alias within what is itself aliased/, YAML_TYPE],
  ['an alias bomb', '/v1/policies/test', JSON.stringify({ test: 'a: &a [x]\nb: &b [*a,*a]\ncases: *b' }), 400, /alias/],
  [
    '100,000 cases',
    '/v1/policies/test',
    JSON.stringify({ test: `cases:\n${'- {}\n'.repeat(90_000)}` }),
    400,
    /too large, expected at most 20000 values/,
  ],
  ['one line of 8 MB', '/v1/imports/focus', 'x'.repeat(8_000_000), 400, /characters/, 'text/csv'],
  ['a quote that never ends', '/v1/imports/focus', `a,b\n"${'x'.repeat(3_000_000)}`, 400, /header/, 'text/csv'],
  ['only commas', '/v1/imports/focus', ','.repeat(3_000_000), 400, /characters/, 'text/csv'],
];

const TYPED = CASES.map(([what, path, body, status, said, type = JSON_TYPE]) => [what, path, body, status, said, type] as const);
test.each(TYPED)('%s to %s', async (_, path, body, status, said, type) => {
  const answer = await answerTo({ path, body, headers: { 'content-type': type } });
  expect(answer.status, answer.text.slice(0, 300)).toBe(status);
  expect(answer.text).toMatch(said);
});

test('evil patterns in a policy are refused or harmless', async () => {
  for (const pattern of ['(a+)+$', '(a|aa)*b', '((((a*)*)*)*)*c', '(a{1000}){1000}', '(?=x)', '(.)\\\\1', `${'(a+)+'.repeat(2_000)}$`]) {
    const [policy = ''] =
      doorsFor(NO_DECISION)
        .find(({ path }) => path.endsWith('/validate'))
        ?.texts.filter((text) => /pattern:/.test(text)) ?? [];
    const body = policy.replace(/pattern: .*/, () => `pattern: "${pattern}"`);
    expect((await answerTo({ path: '/v1/policies/validate', body, headers: { 'content-type': YAML_TYPE } })).status, pattern).toBe(200);
  }
});
