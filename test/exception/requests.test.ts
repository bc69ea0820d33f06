import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TollgateError } from '../../src/errors.js';
import { DAY } from '../../src/policy/durations.js';
import type { ExceptionRequest } from '../../src/policy/exception-request.js';
import { transaction } from '../../src/store/db.js';
import { getException, insertException, listExceptions } from '../../src/store/exceptions.js';
import { setAcceleration } from '../../src/store/installation.js';
import { createWorld, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await world.insertViolation('i-1');
  await world.pool.query(
    `insert into resources (provider, account, type, id, tags, specs, cost_source, team, first_seen_at, last_seen_at, last_scan_id, gone_at)
     select 'simulated', account, 'compute/instance', id, '{}', '{}', 'none', 'CC-1', now(), now(), 's', gone
     from (values ('1111', 'twice', null), ('2222', 'twice', null), ('1111', 'gone', now())) as r (account, id, gone)`,
  );
});
afterAll(() => world.close());

async function problemsOf(given: Partial<ExceptionRequest>): Promise<readonly string[]> {
  try {
    await world.prepare(given);
    return [];
  } catch (error) {
    if (!(error instanceof TollgateError)) throw error;
    return error.code === 'invalid-input' ? error.problems.map(({ path }) => path) : [error.code];
  }
}

const FUTURE = Date.UTC(2999, 0, 1);
const PLANNED = { type: 'compute/instance', account: '1111', namespace: 'production', name: 'web-1', address: null };

test.each<[string, Partial<ExceptionRequest>, readonly string[]]>([
  ['a resource, a rule that enforces and a duration are enough', {}, []],
  ['a resource that is not in the inventory', { resourceId: 'i-none' }, ['resource_id']],
  ['a resource that is gone', { resourceId: 'gone' }, ['resource_id']],
  ['an id that two accounts have', { resourceId: 'twice' }, ['ambiguous']],
  ['an id that two accounts have, with the account', { resourceId: 'twice', account: '2222' }, []],
  ['no target', { resourceId: null }, ['resource_id']],
  ['two targets', { selector: { tags: { team: 'a' } } }, ['resource_id']],
  ['a selector', { resourceId: null, selector: { tags: { team: 'a' } } }, []],
  ['a selector of everything', { resourceId: null, selector: { tags: {} } }, ['selector.tags']],
  ['a planned resource', { resourceId: null, resource: PLANNED }, []],
  [
    'a name alone',
    { resourceId: null, resource: { ...PLANNED, type: null, account: null, namespace: null } },
    ['resource.type', 'resource.account', 'resource.namespace'],
  ],
  ['a planned resource without name or address', { resourceId: null, resource: { ...PLANNED, name: null } }, ['resource.name']],
  ['a policy that is not there', { policyName: 'none' }, ['policy_name']],
  ['a rule that is not there', { ruleName: 'none' }, ['rule_name']],
  ['a temporary one without an end', { durationDays: null }, ['duration_days']],
  ['a temporary one with a given end', { durationDays: null, expiresAt: FUTURE }, []],
  ['two ends', { expiresAt: FUTURE }, ['expires_at']],
  ['an end that has passed', { durationDays: null, expiresAt: 0 }, ['expires_at']],
  ['no time at all', { durationDays: 0 }, ['duration_days']],
  ['a permanent one with an end', { type: 'permanent' }, ['duration_days']],
  ['a permanent one', { type: 'permanent', durationDays: null }, []],
  ['a conditional one without conditions', { type: 'conditional', durationDays: null }, ['conditions']],
  ['caps of nothing', { caps: { money: '0', uses: 0 } }, ['caps.money', 'caps.uses']],
  [
    'everything wrong at once',
    { resourceId: 'i-none', policyName: 'none', justification: ' ', durationDays: -1 },
    ['duration_days', 'justification', 'policy_name', 'resource_id'],
  ],
])('%s', async (_, given, problems) => {
  expect(await problemsOf(given)).toEqual(problems);
});

describe('a request', () => {
  test('names the resource in full, and the approvers the directory gives at that moment', async () => {
    expect(await world.prepare({ resourceId: 'i-1' })).toMatchObject({
      status: 'pending',
      target: { kind: 'resource', resourceId: 'i-1', account: '1111', resourceType: 'compute/instance' },
      approvers: ['bob', 'sam'],
      requestedBy: 'dana',
      expiresAt: null,
    });
    expect((await world.prepare({ resourceId: 'i-1' }, 'sam')).approvers).toEqual(['fiona']);
  });

  test('of a permanent one is reviewed every 90 days unless it says otherwise', async () => {
    const permanent = { type: 'permanent', durationDays: null } as const;
    expect((await world.prepare(permanent)).reviewIntervalDays).toBe(90);
    expect((await world.prepare({ ...permanent, reviewIntervalDays: 30 })).reviewIntervalDays).toBe(30);
    expect((await world.prepare({})).reviewIntervalDays).toBeNull();
  });

  test('on the demonstration clock keeps its days and shortens its wait; a given end stays', async () => {
    await transaction(world.pool, (db) => setAcceleration(db, 3_600, { principal: 'root', at: Date.now() }));
    expect(await world.prepare({ durationDays: 14 })).toMatchObject({ durationDays: 14, durationMs: 336_000 });
    expect(await world.prepare({ durationDays: null, expiresAt: FUTURE })).toMatchObject({ expiresAt: FUTURE, durationMs: null });
    await transaction(world.pool, (db) => setAcceleration(db, 1, { principal: 'root', at: Date.now() }));
    expect(await world.prepare({ durationDays: 14 })).toMatchObject({ durationMs: 14 * DAY });
  });
});

test('a request that nobody decides reads `lapsed` from its time on, though no worker runs', async () => {
  const record = await world.prepare({});
  const lapse = record.requestedAt + 7 * DAY;
  expect(record.lapsesAt).toBe(lapse);
  await insertException(world.pool, record);
  const filter = (status: 'pending' | 'lapsed', at: number) => listExceptions(world.pool, { status }, { limit: 10, cursor: null }, at);
  expect(await getException(world.pool, record.id, lapse - 1)).toMatchObject({ status: 'pending', closedAt: null });
  expect(await getException(world.pool, record.id, lapse)).toMatchObject({ status: 'lapsed', closedReason: 'no_answer', closedAt: lapse });
  expect((await filter('pending', lapse - 1)).items.map(({ id }) => id)).toContain(record.id);
  expect((await filter('pending', lapse)).items.map(({ id }) => id)).not.toContain(record.id);
  expect((await filter('lapsed', lapse)).items.map(({ id }) => id)).toContain(record.id);
});
