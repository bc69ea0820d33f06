import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileExceptions, findException, NO_EXCEPTIONS } from '../../src/policy/exception.js';
import { listAudit, verifyAudit } from '../../src/store/audit.js';
import { getException, listExceptions } from '../../src/store/exceptions.js';
import { findInventory } from '../../src/store/inventory.js';
import { listNotices } from '../../src/store/outbox.js';
import { listViolations } from '../../src/store/violations.js';
import {
  approveException,
  endException,
  rejectException,
  requestException,
  reviewException,
  revokeException,
} from '../../src/workflows/exception-messages.js';
import { createWorld, type World } from './world.js';

let world: World;
let worker: { stop(): Promise<void> };
beforeAll(async () => {
  world = await createWorld();
  worker = await world.startWorker();
});
afterAll(async () => {
  await worker.stop();
  await world.close();
});

const PATIENCE = { timeout: 20_000 };
const PAGE = { limit: 100, cursor: null };
const by = (principal: string) => ({ principal, at: Date.now() });
const ok = (principal: string) => ({ ...by(principal), comments: null });
const because = (principal: string) => ({ ...by(principal), reason: 'because' });
const now = (id: string) => getException(world.pool, id, Date.now());
const stages = async (id: string) => (await listNotices(world.pool, id)).map(({ stage, recipient }) => `${stage} ${recipient}`);
const audited = async (subject: string) =>
  (await listAudit(world.pool, { subject }, PAGE)).items.map(({ action, principal }) => `${action} ${principal}`).reverse();

/** The type with which an update is refused. */
async function refusalOf(update: Promise<unknown>): Promise<string | null | undefined> {
  try {
    await update;
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) return error.cause.type;
    throw error;
  }
  return undefined;
}

let resources = 0;
async function violating(): Promise<string> {
  resources += 1;
  await world.insertViolation(`i-${resources}`);
  return `i-${resources}`;
}
async function requested(given: Parameters<World['prepare']>[0] = {}, lengths: Parameters<World['request']>[1] = {}) {
  const resourceId = given.resourceId ?? (await violating());
  const record = await world.prepare({ resourceId, ...given });
  const { handle, stored } = await world.request(record, lengths);
  return { id: record.id, resourceId, handle, stored };
}
const violations = async (resource: string) =>
  (await listViolations(world.pool, { resource }, PAGE)).items.map(({ episode, status }) => `${episode} ${status}`).sort();

describe('a request', () => {
  test('answers when it is stored, audited and its approvers have their notices', async () => {
    const { id, stored } = await requested();
    expect(stored).toMatchObject({ status: 'pending', requestedBy: 'dana', approvers: ['bob', 'sam'], expiresAt: null, durationDays: 14 });
    expect(await now(id)).toEqual(stored);
    expect(await stages(id)).toEqual(['requested bob', 'requested sam']);
    expect(await audited(id)).toEqual(['exception.request dana']);
  });

  test('that is repeated answers what is stored and tells nobody twice', async () => {
    const record = await world.prepare({ resourceId: await violating() });
    const first = await world.request(record);
    const second = await world.request(record);
    expect(second.stored).toEqual(first.stored);
    expect(await stages(record.id)).toHaveLength(2);
    expect(await audited(record.id)).toEqual(['exception.request dana']);
  });

  test('reminds, escalates to the approver’s manager, who may then decide, and lapses', async () => {
    const { id, handle } = await requested({}, { remindAfterMs: 50, escalateAfterMs: 100, lapseAfterMs: 1_500 });
    expect(await handle.result()).toBe('lapsed');
    expect(await now(id)).toMatchObject({ status: 'lapsed', closedReason: 'no_answer', approvers: ['bob', 'sam', 'carol'] });
    const told = await stages(id);
    expect(told).toContain('reminder bob');
    expect(told).toContain('escalated carol');
    expect(told).toContain('lapsed dana');
    await world.record('exception-lapsed', handle.workflowId);
  });

  test('that is escalated is approved by the next approver', async () => {
    const { id, handle } = await requested({}, { remindAfterMs: 10, escalateAfterMs: 20 });
    expect(await refusalOf(handle.executeUpdate(approveException, { args: [ok('eve')] }))).toBe('NotAllowed');
    await expect.poll(async () => (await now(id)).approvers, PATIENCE).toContain('carol');
    expect(await handle.executeUpdate(approveException, { args: [ok('carol')] })).toMatchObject({
      status: 'approved',
      approvedBy: 'carol',
    });
    await world.record('exception-escalated', handle.workflowId);
  });
});

describe('SPEC §14.11: exceptions', () => {
  test('the approver is the principal, and must be named: not the requester, not anybody else', async () => {
    const { id, handle } = await requested();
    expect(await refusalOf(handle.executeUpdate(approveException, { args: [ok('dana')] }))).toBe('NotAllowed');
    expect(await refusalOf(handle.executeUpdate(approveException, { args: [ok('fiona')] }))).toBe('NotAllowed');
    expect(await now(id)).toMatchObject({ status: 'pending', approvedBy: null });
    expect(await handle.executeUpdate(approveException, { args: [ok('sam')] })).toMatchObject({ status: 'approved', approvedBy: 'sam' });
  });

  test('a rejection is refused in any state but pending, and so is every other move out of turn', async () => {
    const { id, handle } = await requested();
    await handle.executeUpdate(approveException, { args: [ok('bob')] });
    for (const update of [
      () => handle.executeUpdate(rejectException, { args: [because('bob')] }),
      () => handle.executeUpdate(approveException, { args: [ok('bob')] }),
      () => handle.executeUpdate(reviewException, { args: [{ ...ok('bob'), outcome: 'renew' }] }),
    ]) {
      expect(await refusalOf(update())).toBe('WrongState');
    }
    expect(await audited(id)).toEqual(['exception.request dana', 'exception.approve bob']);
  });

  test('conditions are evaluated wherever an exception is looked up', async () => {
    const { id, handle, resourceId } = await requested({ type: 'conditional', durationDays: null, conditions: { state: 'standby' } });
    await handle.executeUpdate(approveException, { args: [ok('bob')] });
    expect(await violations(resourceId)).toEqual(['1 open']);
    const found = await findInventory(world.pool, resourceId);
    const question = { policyName: 'sizes', ruleName: 'vcpus', at: Date.now() };
    const compiled = compileExceptions([await now(id)]);
    const resource = found?.resource;
    if (resource === undefined) throw new Error('the resource is there');
    expect(findException(compiled, { ...question, resource })).toBeUndefined();
    expect(findException(compiled, { ...question, resource: { ...resource, state: 'standby' } })?.id).toBe(id);
    expect(findException(NO_EXCEPTIONS, { ...question, resource })).toBeUndefined();
  });

  test('an expiry holds with no worker running', async () => {
    const { id, handle } = await requested();
    await handle.executeUpdate(approveException, { args: [ok('bob')] });
    await worker.stop();
    const { expiresAt } = await now(id);
    if (expiresAt === null) throw new Error('it has an end');
    expect(await getException(world.pool, id, expiresAt - 1)).toMatchObject({ status: 'approved', closedReason: null });
    expect(await getException(world.pool, id, expiresAt)).toMatchObject({
      status: 'expired',
      closedReason: 'duration',
      closedAt: expiresAt,
    });
    const listed = async (status: 'approved' | 'expired', at: number) =>
      (await listExceptions(world.pool, { status }, PAGE, at)).items.some((item) => item.id === id);
    expect(await listed('approved', expiresAt - 1)).toBe(true);
    expect(await listed('approved', expiresAt)).toBe(false);
    expect(await listed('expired', expiresAt)).toBe(true);
    worker = await world.startWorker();
  });

  test('an overdue review is announced once per due date and then once per period, and does not end the exception', async () => {
    const { id, handle } = await requested({ type: 'permanent', durationDays: null }, { reviewIntervalMs: 50, reviewOverdueEveryMs: 400 });
    await handle.executeUpdate(approveException, { args: [ok('bob')] });
    const overdue = async () => (await stages(id)).filter((stage) => stage.startsWith('review-overdue')).length;
    await expect.poll(overdue, PATIENCE).toBeGreaterThanOrEqual(2);
    const due = (await stages(id)).filter((stage) => stage.startsWith('review-due'));
    expect(due).toHaveLength(2);
    expect((await now(id)).status).toBe('approved');
    expect(await handle.executeUpdate(reviewException, { args: [{ ...ok('sam'), outcome: 'renew' }] })).toMatchObject({
      status: 'approved',
    });
    expect(await handle.executeUpdate(reviewException, { args: [{ ...ok('bob'), outcome: 'revoke' }] })).toMatchObject({
      status: 'revoked',
    });
    expect(await handle.result()).toBe('revoked');
    await world.record('exception-reviewed', handle.workflowId);
  });
});

describe('an approved exception', () => {
  test('excepts the violations it covers at once, and its expiry opens a new episode detected then', async () => {
    const resourceId = await violating();
    const other = await violating();
    const record = await world.prepare({ resourceId });
    const { handle } = await world.request({ ...record, durationMs: 3_000 });
    await handle.executeUpdate(approveException, { args: [ok('bob')] });
    expect(await violations(resourceId)).toEqual(['1 excepted']);
    expect(await violations(other)).toEqual(['1 open']);
    expect(await handle.result()).toBe('expired');
    expect(await violations(resourceId)).toEqual(['1 closed', '2 open']);
    const [reopened] = (await listViolations(world.pool, { resource: resourceId, status: 'open' }, PAGE)).items;
    expect(reopened?.detectedAt).toBeGreaterThanOrEqual((await now(record.id)).expiresAt ?? Number.POSITIVE_INFINITY);
    expect(reopened?.remediationId).not.toBeNull();
    expect(await stages(record.id)).toEqual([
      'requested bob',
      'requested sam',
      'approved dana',
      'approved bob',
      'expiring dana',
      'expiring bob',
      'expired dana',
      'expired bob',
    ]);
    expect(await audited(record.id)).toEqual(['exception.request dana', 'exception.approve bob', 'exception.expire system:exceptions']);
    await world.record('exception-expired', handle.workflowId);
  });

  test('closes the remediations concerned as excepted', async () => {
    const resourceId = await violating();
    const { startRemediations } = await import('../../src/activities/remediation-start.js');
    await startRemediations(world.deps, [`vio_${resourceId}`]);
    const { handle } = await requested({ resourceId });
    await handle.executeUpdate(approveException, { args: [ok('bob')] });
    await expect
      .poll(
        async () => (await world.pool.query('select phase, result from remediations where violation_id = $1', [`vio_${resourceId}`])).rows,
        PATIENCE,
      )
      .toEqual([{ phase: 'closed', result: 'excepted' }]);
  });

  test('is revoked by an approver or given up by its requester, and enforcement starts again', async () => {
    for (const principal of ['bob', 'dana']) {
      const { handle, resourceId } = await requested();
      await handle.executeUpdate(approveException, { args: [ok('bob')] });
      expect(await refusalOf(handle.executeUpdate(revokeException, { args: [because('eve')] }))).toBe('NotAllowed');
      expect(await handle.executeUpdate(revokeException, { args: [because(principal)] })).toMatchObject({
        status: 'revoked',
        comments: 'because',
      });
      expect(await violations(resourceId)).toEqual(['1 closed', '2 open']);
      expect(await handle.result()).toBe('revoked');
      await world.record('exception-revoked', handle.workflowId);
    }
  });

  test('hands its violations to another one in force when it ends', async () => {
    const first = await requested();
    const second = await requested({ resourceId: first.resourceId });
    await first.handle.executeUpdate(approveException, { args: [ok('bob')] });
    await second.handle.executeUpdate(approveException, { args: [ok('sam')] });
    await first.handle.executeUpdate(revokeException, { args: [because('bob')] });
    expect(await violations(first.resourceId)).toEqual(['1 closed', '2 excepted']);
  });

  test('ends by itself when its resource is gone', async () => {
    const { id, handle } = await requested();
    await handle.executeUpdate(approveException, { args: [ok('bob')] });
    await handle.signal(endException, { reason: 'resource_gone' });
    expect(await handle.result()).toBe('expired');
    expect(await now(id)).toMatchObject({ status: 'expired', closedReason: 'resource_gone' });
    await world.record('exception-ended', handle.workflowId);
  });
});

test('a request is rejected with its reason, or withdrawn by who made it, which lapses it', async () => {
  const rejected = await requested();
  expect(await rejected.handle.executeUpdate(rejectException, { args: [because('bob')] })).toMatchObject({
    status: 'rejected',
    closedReason: 'rejected',
    comments: 'because',
  });
  expect(await rejected.handle.result()).toBe('rejected');
  await world.record('exception-rejected', rejected.handle.workflowId);
  const withdrawn = await requested();
  expect(await withdrawn.handle.executeUpdate(revokeException, { args: [because('dana')] })).toMatchObject({
    status: 'lapsed',
    closedReason: 'withdrawn',
  });
});

test('two approvers who decide at once: the first decides, the other is refused', async () => {
  const { id, handle } = await requested();
  const outcomes = await Promise.all([
    refusalOf(handle.executeUpdate(approveException, { args: [ok('bob')] })),
    refusalOf(handle.executeUpdate(rejectException, { args: [because('sam')] })),
  ]);
  expect([...outcomes].sort()).toEqual(['WrongState', undefined]);
  expect(await audited(id)).toHaveLength(2);
});

test('a decision asked for while no worker runs is made when one is back', async () => {
  const { handle } = await requested();
  await worker.stop();
  const asked = handle.executeUpdate(approveException, { args: [ok('bob')] });
  worker = await world.startWorker();
  expect(await asked).toMatchObject({ status: 'approved' });
});

test('a request on a closed exception answers what is stored, and nothing can be decided any more', async () => {
  const { handle } = await requested();
  await handle.executeUpdate(rejectException, { args: [because('bob')] });
  await handle.result();
  await expect(handle.executeUpdate(requestException)).rejects.toThrow(/already completed/);
});

test('one that continues as new knows what it has done and what is left', async () => {
  const record = await world.prepare({ resourceId: await violating() });
  const { handle } = await world.request(record);
  const approved = await handle.executeUpdate(approveException, { args: [ok('bob')] });
  await handle.terminate();
  const again = { ...approved, workflowId: `${approved.workflowId}/again` };
  const told = { reminded: true, escalated: false, warned: true, review: null };
  const resumed = await world.request(again, { resumed: { seq: 1, told, followed: 'approved', ending: null } }, again.workflowId);
  expect(await refusalOf(resumed.handle.executeUpdate(approveException, { args: [ok('bob')] }))).toBe('WrongState');
  expect(await resumed.handle.executeUpdate(revokeException, { args: [because('bob')] })).toMatchObject({ status: 'revoked' });
  expect(await stages(record.id)).not.toContain('expiring dana');
});

test('its state is readable in Temporal without knowing the code, and names nobody in search attributes', async () => {
  const { handle } = await requested();
  const { searchAttributes } = await handle.describe();
  expect(searchAttributes).toMatchObject({ TollgatePolicy: ['sizes'], TollgatePhase: ['pending'] });
  expect(JSON.stringify(searchAttributes)).not.toMatch(/dana|bob|sam/);
  const metadata = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  expect(metadata.currentDetails).toMatch(/^\*\*pending\*\* exception to `sizes\/vcpus`\n\nnext: remind at /);
});

test('the audit log stays intact through all of it', async () => {
  expect(await verifyAudit(world.pool)).toMatchObject({ intact: true });
});
