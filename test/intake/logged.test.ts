/** What these doors log can be asked again: the log has the body that `POST /v1/evaluate` takes for the same question. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { evaluateRequest, toResources } from '../../src/api/contract/evaluate.js';
import { toWireResourceInput } from '../../src/api/contract/resource-input.js';
import { createCatalog } from '../../src/cloud/catalog/catalog.js';
import { readDocument } from '../../src/intake/readers.js';
import { packageRoot } from '../../src/package-root.js';
import type { Resource } from '../../src/policy/model.js';

const context = { lookup: createCatalog().lookup, currency: 'USD', namespace: 'production', account: '1', region: 'us-east-1' };
const fixtures = join(packageRoot, 'test/fixtures');

const FOLDERS = [
  ['infracost', 'infracost'],
  ['cloudformation', 'cloudformation'],
  ['cloudformation', 'cloudformation/templates'],
  ['pulumi', 'pulumi'],
] as const;

for (const [door, folder] of FOLDERS) {
  const files = readdirSync(join(fixtures, folder)).filter((name) => /\.(json|yaml)$/.test(name));
  test.for(files)(`${folder}/%s`, (file) => {
    const { resources } = readDocument(door, readFileSync(join(fixtures, folder, file)), context);
    if (resources.length === 0) return;
    const logged: unknown = JSON.parse(JSON.stringify({ resources: resources.map(toWireResourceInput) }));
    // a resource without any price is priced again, so the parts that it names are not logged
    const essence = (each: Resource) => ({ ...each, cost: each.cost.source === 'none' ? null : { ...each.cost, source: 'request' } });
    expect(toResources(evaluateRequest.parse(logged)).map(essence)).toEqual(resources.map(essence));
  });
}
