import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, test } from 'vitest';
import { createWorld, type World } from '../api/world.js';
import { doorsFor, RUN_TASK_KEY, type Door } from './doors.js';
import { createGun, type Gun } from './shots.js';
let world: World; let doors: readonly Door[]; let gun: Gun;
beforeAll(async () => {
  world = await createWorld({ worker: false });
  const limits = { requestsPerMinute: 10_000_000, evaluationsPerMinute: 10_000_000, refusalsPerMinute: 10_000_000 };
  const api = await world.another({ overrides: { limits, runTaskKey: RUN_TASK_KEY, log: { info: () => {}, warn: () => {}, error: (f: any) => console.log('FAULT', JSON.stringify(f).slice(0, 600)) } } });
  const { body } = await api.ask('POST', '/v1/evaluate', { body: { type: 'compute/instance', specs: { vcpus: 2 } } });
  doors = doorsFor((body as any).decision_id);
  gun = createGun(api.url, world.tokens.admin);
});
afterAll(async () => { gun.close(); await world.close(); });
const deep = (n: number, o: string, c: string) => o.repeat(n) + c.repeat(n);
const many = (n: number, f: (i: number) => string) => Array.from({ length: n }, (_, i) => f(i)).join(',');
const tags = (n: number) => `{${many(n, (i) => `"tag-${i}":"value"`)}}`;
// generic
const generic: Record<string, (text: string) => string | Uint8Array> = {
  deep: () => deep(200_000, '[', ']'),
  deepKey: (t) => t.replace('{', `{"zz":${deep(150, '[', ']')},`),
  deepObj: (t) => t.replace('{', `{"zz":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)},`),
  proto: (t) => t.replace('{', '{"__proto__":{"polluted":true},'),
  ctor: (t) => t.replace('{', '{"constructor":{"prototype":{"polluted":true}},'),
  dup: (t) => t.replace('{', '{"type":"a","type":"b","Resources":1,"kind":"x",'),
  nan: (t) => t.replace('{', '{"zz":NaN,'),
  inf: (t) => t.replace(/:\s*\d+(\.\d+)?/g, ':1e999'),
  neg: (t) => t.replace(/:\s*\d+(\.\d+)?/g, ':-1e308'),
  infText: (t) => t.replace(/"\d+(\.\d+)?"/g, '"1e999"'),
  nanText: (t) => t.replace(/"\d+(\.\d+)?"/g, '"NaN"'),
  longnum: (t) => t.replace(/"\d+(\.\d+)?"/g, `"${'9'.repeat(5000)}.${'9'.repeat(5000)}"`),
  bigdigits: (t) => t.replace(/:\s*\d+(\.\d+)?/g, `:1${'0'.repeat(3000)}`),
  nul: (t) => t.replace(/"([a-z]+)"\s*:\s*"/g, '"$1":"\\u0000'),
  sur: (t) => t.replace(/"([a-z]+)"\s*:\s*"/g, '"$1":"\\ud800'),
  array: () => `[${'1,'.repeat(500_000)}1]`,
  keys: (t) => t.replace('{', `{${many(50_000, (i) => `"k${i}":1`)},`),
  utf16: (t) => Buffer.from(t, 'utf16le'),
  utf16bom: (t) => Buffer.from(`\ufeff${t}`, 'utf16le'),
  utf32: (t) => Buffer.concat([Buffer.from([0xff, 0xfe, 0, 0]), ...[...t.slice(0, 100)].map((c) => Buffer.from([c.charCodeAt(0), 0, 0, 0]))]),
  latin1: (t) => Buffer.concat([Buffer.from(t.slice(0, -1)), Buffer.from([0xe9, 0x7d])]),
  longkey: (t) => t.replace('{', `{"${'k'.repeat(1_000_000)}":1,`),
  longtext: (t) => t.replace('{', `{"a":"${'\\u0041'.repeat(300_000)}",`),
  empty: () => '', ws: () => ' '.repeat(500_000), bom: () => '\ufeff',
};
const rc = (n: number, extra: string) => `{"format_version":"1.2","terraform_version":"1.9.0","resource_changes":[${many(n, (i) => `{"address":"aws_instance.a[${i}]","mode":"managed","type":"aws_instance","name":"a","provider_name":"registry.terraform.io/hashicorp/aws","change":{"actions":["create"],"before":null,"after":{"instance_type":"m5.large"${extra}}}}`)}],"configuration":{}}`;
const pod = (meta: string, spec: string) => `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"operation":"CREATE","userInfo":{"username":"x"},"object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"n"${meta}},"spec":${spec}}}}`;
const special: [string, string, string, string?][] = [
  ['ev tags', '/v1/evaluate', `{"type":"compute/instance","tags":${tags(80_000)}}`],
  ['ev tags2', '/v1/evaluate', `{"type":"compute/instance","tags":${tags(51)}}`],
  ['ev resources', '/v1/evaluate', `{"resources":[${many(60_000, () => '{"type":"a/b"}')}]}`],
  ['ev empties', '/v1/evaluate', `{"resources":[${many(200_000, () => '{}')}]}`],
  ['ev evilvalue', '/v1/evaluate', `{"type":"compute/instance","tags":{"cost-center":"${'a'.repeat(1_000_000)}!"}}`],
  ['ev unknown', '/v1/evaluate', `{"type":"compute/instance","unknown":[${many(100_000, (i) => `"specs.a${i}"`)}]}`],
  ['ev specs', '/v1/evaluate', `{"type":"compute/instance","specs":{${many(100_000, (i) => `"s${i}":1`)}}}`],
  ['opa tags', '/v1/data/tollgate/evaluate', `{"input":{"type":"compute/instance","tags":${tags(100_000)}}}`],
  ['opa res', '/v1/data/tollgate/evaluate', `{"input":{"resources":[${many(100_000, () => '{"type":"a/b"}')}]}}`],
  ['opa plan', '/v1/data/tollgate/evaluate', `{"input":${rc(10_000, '')}}`],
  ['opa plan big', '/v1/data/tollgate/evaluate', `{"input":${rc(30_000, '')}}`],
  ['tf tags', '/v1/evaluate/terraform', rc(1, `,"tags":${tags(100_000)}`)],
  ['tf 10001', '/v1/evaluate/terraform', rc(10_001, '')],
  ['tf 60000', '/v1/evaluate/terraform', rc(60_000, '')],
  ['tf 300000 empty', '/v1/evaluate/terraform', `{"format_version":"1.2","resource_changes":[${many(300_000, () => '{}')}]}`],
  ['tf count', '/v1/evaluate/terraform', rc(500, `,"tags":${tags(500)}`)],
  ['if res', '/v1/evaluate/infracost', `{"version":"0.2","currency":"USD","projects":[{"name":"x","breakdown":{"resources":[${many(60_000, (i) => `{"name":"aws_instance.a${i}","resourceType":"aws_instance","tags":{},"monthlyCost":"1e999","hourlyCost":"NaN"}`)}]}}]}`],
  ['if tags', '/v1/evaluate/infracost', `{"version":"0.2","currency":"USD","projects":[{"name":"x","breakdown":{"resources":[{"name":"aws_instance.a","resourceType":"aws_instance","tags":${tags(100_000)},"monthlyCost":"${'9'.repeat(100_000)}"}]}}]}`],
  ['if subs', '/v1/evaluate/infracost', `{"version":"0.2","currency":"USD","projects":[{"name":"x","breakdown":{"resources":[{"name":"aws_instance.a","resourceType":"aws_instance","subresources":[${many(100_000, () => `{"name":"x","monthlyCost":"1.1","costComponents":[{"name":"y","monthlyCost":"1"}]}`)}]}]}}]}`],
  ['cf res', '/v1/evaluate/cloudformation', `{"Resources":{${many(100_000, (i) => `"R${i}":{"Type":"AWS::EC2::Instance"}`)}}}`],
  ['cf tags', '/v1/evaluate/cloudformation', `{"Resources":{"R":{"Type":"AWS::EC2::Instance","Properties":{"Tags":[${many(100_000, (i) => `{"Key":"t${i}","Value":"v"}`)}]}}}}`],
  ['cf cycle', '/v1/evaluate/cloudformation', `{"Parameters":{"A":{"Type":"String","Default":{"Ref":"A"}}},"Resources":{"R":{"Type":"AWS::EC2::Instance","Properties":{"InstanceType":{"Ref":"R"}}}}}`],
  ['cf mapbomb', '/v1/evaluate/cloudformation', `{"Resources":{"R":{"Type":"AWS::EC2::Instance","Properties":{"InstanceType":{"Fn::Join":["",[${many(100_000, () => '{"Ref":"AWS::Region"}')}]]}}}}}`],
  ['cf subbomb', '/v1/evaluate/cloudformation', `{"Resources":{"R":{"Type":"AWS::EC2::Instance","Properties":{"InstanceType":{"Fn::Sub":"${'${AWS::Region}'.repeat(100_000)}"}}}}}`],
  ['cf subevil', '/v1/evaluate/cloudformation', `{"Resources":{"R":{"Type":"AWS::EC2::Instance","Properties":{"InstanceType":{"Fn::Sub":"${'${'.repeat(300_000)}"}}}}}`],
  ['cf doubling', '/v1/evaluate/cloudformation', `{"Parameters":{"P0":{"Type":"String","Default":"xxxxxxxxxx"}},"Resources":{"R":{"Type":"AWS::EC2::Instance","Properties":{"InstanceType":${'{"Fn::Join":["",[{"Ref":"P0"},'.repeat(24)}"x"${']]}'.repeat(24)}}}}}`],
  ['cf alias', '/v1/evaluate/cloudformation', 'a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a]\nResources: {R: {Type: "AWS::EC2::Instance", Properties: {Tags: *b}}}', 'application/yaml'],
  ['cf yaml many', '/v1/evaluate/cloudformation', `Resources:\n${Array.from({ length: 60_000 }, (_, i) => `  R${i}: {Type: "AWS::EC2::Instance"}`).join('\n')}`, 'application/yaml'],
  ['cf yaml docs', '/v1/evaluate/cloudformation', '---\n{}\n'.repeat(500_000), 'application/yaml'],
  ['cf yaml deep', '/v1/evaluate/cloudformation', '- '.repeat(500_000), 'application/yaml'],
  ['cf yaml dup', '/v1/evaluate/cloudformation', 'a: 1\n'.repeat(500_000), 'application/yaml'],
  ['cf yaml tags', '/v1/evaluate/cloudformation', `Resources: ${'!Sub '.repeat(100_000)} x`, 'application/yaml'],
  ['cf yaml tagnest', '/v1/evaluate/cloudformation', `Resources: ${'!Sub ['.repeat(100_000)} x`, 'application/yaml'],
  ['cf yaml merge', '/v1/evaluate/cloudformation', `Resources: {<<: {a: 1}, __proto__: {polluted: true}}`, 'application/yaml'],
  ['cf yaml big', '/v1/evaluate/cloudformation', `Resources: ${'x'.repeat(5_000_000)}`, 'application/yaml'],
  ['cf yaml long keys', '/v1/evaluate/cloudformation', `? ${'x'.repeat(1_000_000)}\n: 1`, 'application/yaml'],
  ['cf yaml plain multi', '/v1/evaluate/cloudformation', `Resources: ${'x\n '.repeat(600_000)}`, 'application/yaml'],
  ['pu steps', '/v1/evaluate/pulumi', `{"steps":[${many(60_000, (i) => `{"op":"create","urn":"urn:pulumi:dev::p::aws:ec2/instance:Instance::w${i}","newState":{"urn":"urn:pulumi:dev::p::aws:ec2/instance:Instance::w${i}","type":"aws:ec2/instance:Instance","inputs":{"instanceType":"m5.large"}}}`)}]}`],
  ['pu tags', '/v1/evaluate/pulumi', `{"steps":[{"op":"create","urn":"urn:pulumi:dev::p::aws:ec2/instance:Instance::w","newState":{"urn":"urn:pulumi:dev::p::aws:ec2/instance:Instance::w","type":"aws:ec2/instance:Instance","inputs":{"instanceType":"m5.large","tags":${tags(100_000)}}}}]}`],
  ['pu urn', '/v1/evaluate/pulumi', `{"steps":[{"op":"create","urn":"urn:pulumi:${'dev::'.repeat(100_000)}","newState":{"urn":"${'$'.repeat(100_000)}","type":"${'aws:'.repeat(100_000)}","inputs":{}}}]}`],
  ['k8 labels', '/v1/admission', pod(`,"labels":${tags(100_000)}`, '{"containers":[]}')],
  ['k8 containers', '/v1/admission', pod('', `{"containers":[${many(100_000, (i) => `{"name":"c${i}","resources":{"requests":{"cpu":"1e999","memory":"9999999999999999999999Ei"}}}`)}]}`)],
  ['k8 qty', '/v1/admission/c', pod('', `{"containers":[{"name":"c","resources":{"requests":{"cpu":"${'9'.repeat(100_000)}","memory":"1e999999999"}}}]}`)],
  ['k8 qtyneg', '/v1/admission/c', pod('', `{"containers":[{"name":"c","resources":{"requests":{"cpu":"-1e-999999999","memory":"1e-400Mi"},"limits":{"cpu":1e999}}}]}`)],
  ['pt cases', '/v1/policies/test', JSON.stringify({ test: `cases:\n${'  - {note: a, resource: {type: a/b}, want: {}}\n'.repeat(10_000)}` })],
  ['pt evil', '/v1/policies/test', JSON.stringify({ test: 'a: &a [x]\nb: &b [*a,*a]\ncases: *b' })],
  ['pv docs', '/v1/policies/validate', '---\n{}\n'.repeat(140_000), 'application/yaml'],
  ['pv json', '/v1/policies/validate', JSON.stringify({ content: '---\n{}\n'.repeat(140_000) })],
  ['pv jsonobj', '/v1/policies/validate', `{"content":{${many(100_000, (i) => `"k${i}":1`)}}}`],
  ['pv jsonrules', '/v1/policies/validate', `{"content":{"apiVersion":"policy.oneuptime.com/v1","kind":"CostPolicy","metadata":{"name":"x"},"spec":{"type":"resource-limit","scope":{},"rules":[${many(30_000, (i) => `{"name":"r${i}","zz":1}`)}]}}}`],
  ['csv cols', '/v1/imports/focus', `${many(200_000, (i) => `c${i}`)}\n1,2`, 'text/csv'],
  ['csv quote', '/v1/imports/focus', `a,b\n"${'x'.repeat(3_000_000)}`, 'text/csv'],
  ['csv oneline', '/v1/imports/focus', 'x'.repeat(8_000_000), 'text/csv'],
  ['csv rows', '/v1/imports/focus', `BilledCost,ChargePeriodStart\n${'NaN,1e999\n'.repeat(300_000)}`, 'text/csv'],
  ['csv commas', '/v1/imports/focus', ','.repeat(3_000_000), 'text/csv'],
  ['csv lf', '/v1/imports/focus', '\n'.repeat(3_000_000), 'text/csv'],
];
test('probe', { timeout: 500_000 }, async () => {
  const fire = async (label: string, path: string, body: string | Uint8Array, headers: Record<string, string>, door?: Door) => {
    const bytes = Buffer.from(body as string);
    const { status, ms, text } = await gun.fire({ number: 0, path, bytes, headers: { ...headers, ...(door?.headersFor?.(bytes) ?? {}) } });
    const flag = status >= 500 || ms > 1000 || /polluted/.test(text) ? '!!!' : '';
    console.log(`${flag}${label} ${path} ${bytes.length} -> ${status} ${Math.round(ms)}ms ${text.length} ${text.replace(/"type".*?"detail":/, '').slice(0, 170)}`);
  };
  for (const [label, path, body, type = 'application/json'] of special) await fire(label, path, body, { 'content-type': type });
  for (const door of doors) {
    if (door.contentType === 'application/json') for (const [label, f] of Object.entries(generic)) await fire(label, door.path, f(door.texts[0] as string), { 'content-type': door.contentType }, door);
    const gz = gzipSync(door.texts[0] as string);
    await fire('gz', door.path, gz, { 'content-type': door.contentType, 'content-encoding': 'gzip' });
    await fire('gzcut', door.path, gz.subarray(0, gz.length - 12), { 'content-type': door.contentType, 'content-encoding': 'gzip' });
    await fire('gzjunk', door.path, Buffer.concat([gz, Buffer.from('junk')]), { 'content-type': door.contentType, 'content-encoding': 'gzip' });
    await fire('gzgz', door.path, gzipSync(gz), { 'content-type': door.contentType, 'content-encoding': 'gzip' });
    await fire('gzgz2', door.path, gzipSync(gz), { 'content-type': door.contentType, 'content-encoding': 'gzip, gzip' });
    await fire('bomb', door.path, gzipSync(Buffer.alloc(100_000_000, 'a')), { 'content-type': door.contentType, 'content-encoding': 'gzip' });
  }
});
