/** The inventory, each resource with what concerns it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { exceptionSchema } from '../../src/api/contract/exception.js';
import { pageOf } from '../../src/api/contract/page.js';
import { inventoryItem } from '../../src/api/contract/resource.js';
import { violationSchema } from '../../src/api/contract/violation.js';
import { insertException } from '../store/fixtures.js';
import { insertResource, insertViolation } from '../store/report-fixtures.js';
import { createWorld, read, readProblem, type World } from './world.js';

const detail = inventoryItem.extend({ violations: z.array(violationSchema), exceptions: z.array(exceptionSchema) });

let world: World;
beforeAll(async () => {
  world = await createWorld({ worker: true });
  const db = world.database.pool;
  await insertResource(db, { id: 'r1' });
  await insertResource(db, { id: 'r2' });
  await insertResource(db, { id: 'twin', type: 'storage/volume' });
  await insertResource(db, { id: 'twin', type: 'storage/snapshot' });
  await db.query(`update resources set tags = '{"project": "shop"}' where id = 'r2'`);
});
afterAll(() => world.close());

const get = (path: string) => world.ask('GET', path, { as: 'viewer' });
const list = async () => new Map(read(pageOf(inventoryItem), await get('/v1/resources')).items.map((item) => [item.id, item]));

test('each resource names its open violations, and the exceptions in force whose target covers it', async () => {
  const db = world.database.pool;
  const open = await insertViolation(db, { resource: 'r1' });
  await insertViolation(db, { resource: 'r1', rule: 'other', status: 'excepted' });
  await insertViolation(db, { resource: 'r1', account: 'a2' });
  const own = await insertException(db, { resourceId: 'r1' });
  const ended = await insertException(db, { resourceId: 'r1', expiresAt: Date.now() - 1_000 });
  await insertException(db, { resourceId: 'r1', account: 'a2' });
  const shop = await insertException(db, {});
  await db.query(`update exceptions set target = '{"kind":"selector","tags":{"project":"shop"},"account":null}' where id = $1`, [shop]);

  const items = await list();
  expect(items.get('r1')).toMatchObject({ open_violations: 1, open_violation_ids: [open], exception_ids: [own] });
  expect(items.get('r2')).toMatchObject({ open_violations: 0, open_violation_ids: [], exception_ids: [shop] });

  const shown = read(detail, await get('/v1/resources/r1'));
  expect(shown.violations).toHaveLength(2);
  expect(new Map(shown.exceptions.map(({ id, status }) => [id, status]))).toEqual(
    new Map([
      [own, 'approved'],
      [ended, 'expired'],
    ]),
  );
  expect(read(detail, await get('/v1/resources/r2')).exceptions.map(({ id }) => id)).toEqual([shop]);
});

test('an id that two types have is 409 with what tells them apart, and found with its type', async () => {
  const problem = readProblem(await get('/v1/resources/twin'), 409);
  expect(problem.detail).toContain('give `type`, one of `storage/snapshot`, `storage/volume`');
  expect(read(detail, await get('/v1/resources/twin?type=storage/volume'))).toMatchObject({ id: 'twin', type: 'storage/volume' });
  readProblem(await get('/v1/resources/twin?type=compute/instance'), 404);
});

test('an exception for a violation is for the resource of its type, and `resource_type` names one by hand', async () => {
  const terms = { type: 'permanent', justification: 'shared id' };
  const violation = await insertViolation(world.database.pool, {
    resource: 'twin',
    type: 'storage/snapshot',
    policy: 'orphaned-resource-detection',
    rule: 'unattached-volume',
  });
  const asked = await world.ask('POST', `/v1/violations/${violation}/exception`, { as: 'engineer', body: terms });
  expect(read(exceptionSchema, asked, 201)).toMatchObject({ resource_id: 'twin', resource_type: 'storage/snapshot' });
  const rule = { policy_name: 'orphaned-resource-detection', rule_name: 'unattached-volume' };
  const request = { ...terms, ...rule, resource_id: 'twin', account: 'a1' };
  readProblem(await world.ask('POST', '/v1/exceptions', { as: 'engineer', body: request }), 409);
  const named = await world.ask('POST', '/v1/exceptions', { as: 'engineer', body: { ...request, resource_type: 'storage/volume' } });
  expect(read(exceptionSchema, named, 201)).toMatchObject({ resource_type: 'storage/volume' });
});
