import { WithStartWorkflowOperation, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure, type UpdateDefinition } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPolicyWorkflows } from '../../src/activities/policy-workflows.js';
import { startRemediations } from '../../src/activities/remediation-start.js';
import { DAY } from '../../src/policy/durations.js';
import type { PolicyRecord } from '../../src/policy/house-records.js';
import { listAudit } from '../../src/store/audit.js';
import { loadEnforcing } from '../../src/store/enforcing.js';
import { listNotices } from '../../src/store/outbox.js';
import { getPolicy, getPolicyContent, listPolicies } from '../../src/store/policies.js';
import { getViolation } from '../../src/store/violations.js';
import { WORKFLOWS, workflowIds } from '../../src/workflows/messages.js';
import {
  activatePolicy,
  addPolicyVersion,
  archivePolicy,
  createPolicy,
  deprecatePolicy,
  reviewPolicy,
  submitPolicy,
} from '../../src/workflows/policy-messages.js';
import { createWorld, type World } from '../exception/world.js';

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

/** As the API does it: the workflow is started when none runs. */
function ask<A>(name: string, update: UpdateDefinition<PolicyRecord, [A]>, arg: A): Promise<PolicyRecord> {
  const startWorkflowOperation = new WithStartWorkflowOperation(WORKFLOWS.policyLifecycle, {
    taskQueue: world.taskQueue,
    workflowId: workflowIds.policy(name),
    args: [{ name }],
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
  return world.temporal.client.workflow.executeUpdateWithStart(update, { startWorkflowOperation, args: [arg] });
}

async function refusalOf(update: Promise<unknown>): Promise<ApplicationFailure | undefined> {
  try {
    await update;
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) return error.cause;
    throw error;
  }
  return undefined;
}

function content(name: string, maxVCPUs: number, description = 'limits') {
  return {
    apiVersion: 'policy.oneuptime.com/v1',
    kind: 'CostPolicy',
    metadata: { name, description },
    spec: { type: 'ResourceLimit', rules: [{ name: 'vcpus', resource: 'compute/instance', constraint: { maxVCPUs } }] },
  };
}

const create = (name: string, vcpus = 16) => ask(name, createPolicy, { ...by('ann'), content: content(name, vcpus), description: null });
const submit = (name: string, reviewers = ['rita', 'rob']) => ask(name, submitPolicy, { ...by('ann'), reviewers });
const review = (name: string, principal: string, verdict: 'approve' | 'request-changes' = 'approve') =>
  ask(name, reviewPolicy, { ...by(principal), verdict, comments: 'as discussed' });
const activate = (name: string, effectiveAt: number | null = null) => ask(name, activatePolicy, { ...by('olga'), effectiveAt });
const deprecate = (name: string, date: number, replacement: string | null = null) =>
  ask(name, deprecatePolicy, { ...by('olga'), date, reason: 'replaced', replacement });
const version = (name: string, changeType: 'minor' | 'major', changed: object, summary = 'a change') =>
  ask(name, addPolicyVersion, { ...by('ann'), content: { ...changed }, changeType, changeSummary: summary });
async function approved(name: string): Promise<void> {
  await submit(name);
  await review(name, 'rita');
  await review(name, 'rob');
}
async function active(name: string): Promise<PolicyRecord> {
  await create(name);
  await approved(name);
  return activate(name);
}
const now = (name: string) => getPolicy(world.pool, name);
const enforced = async (name: string) => (await loadEnforcing(world.pool)).policies.find(({ policy }) => policy.name === name)?.version;
const stages = async (name: string) =>
  (await listNotices(world.pool, name)).map(({ stage, recipient }) => `${stage.split(':').slice(0, 2).join(' ')} ${recipient}`).sort();

test('a policy goes from draft through review and approval to active, each move audited and told to whom it concerns', async () => {
  const created = await create('walk');
  expect(created).toMatchObject({ name: 'walk', status: 'draft', currentVersion: '0.1.0', activeVersion: null, workflowId: 'policy/walk' });
  expect(created.versions).toMatchObject([{ version: '0.1.0', changeType: 'major', changeSummary: 'Initial draft', createdBy: 'ann' }]);
  expect(await now('walk')).toEqual(created);
  expect(await submit('walk')).toMatchObject({ status: 'review', reviewers: ['rita', 'rob'] });
  expect(await review('walk', 'rita')).toMatchObject({ status: 'review', approvals: [{ approvedBy: 'rita' }] });
  expect(await review('walk', 'rob')).toMatchObject({ status: 'approved' });
  expect(await enforced('walk')).toBeUndefined();
  expect(await activate('walk')).toMatchObject({ status: 'active', activeVersion: '0.1.0', effectiveAt: null });
  expect(await enforced('walk')).toBe('0.1.0');
  expect(await stages('walk')).toEqual([
    'active 0.1.0 ann',
    'active 0.1.0 rita',
    'active 0.1.0 rob',
    'approved 0.1.0 ann',
    'approved 0.1.0 rita',
    'approved 0.1.0 rob',
    'submitted 0.1.0 rita',
    'submitted 0.1.0 rob',
  ]);
  const { items } = await listAudit(world.pool, { subject: 'walk' }, PAGE);
  expect(items.map(({ action, principal }) => `${action} ${principal}`).reverse()).toEqual([
    'policy.create ann',
    'policy.submit ann',
    'policy.approve rita',
    'policy.approve rob',
    'policy.activate olga',
  ]);
});

test('reviewers are named by submit and are not the author; each approves once', async () => {
  await create('reviews');
  expect(await refusalOf(submit('reviews', []))).toMatchObject({ type: 'Invalid', details: [[{ path: 'reviewers' }]] });
  expect(await refusalOf(submit('reviews', ['ann']))).toMatchObject({ type: 'Invalid' });
  await submit('reviews');
  expect(await refusalOf(review('reviews', 'ann'))).toMatchObject({ type: 'NotAllowed' });
  expect(await refusalOf(review('reviews', 'root'))).toMatchObject({ type: 'NotAllowed' });
  await review('reviews', 'rita');
  expect(await refusalOf(review('reviews', 'rita'))).toMatchObject({ type: 'WrongState' });
  expect(await refusalOf(activate('reviews'))).toMatchObject({ type: 'WrongState' });
  expect(await review('reviews', 'rob', 'request-changes')).toMatchObject({ status: 'draft', reviewers: [], approvals: [] });
});

test('what asks for a policy that is not there is refused, and leaves no workflow behind', async () => {
  expect(await refusalOf(submit('nowhere'))).toMatchObject({ type: 'Unknown' });
  const handle = world.temporal.client.workflow.getHandle(workflowIds.policy('nowhere'));
  expect(await handle.result()).toBeNull();
  expect(await refusalOf(ask('broken', createPolicy, { ...by('ann'), content: { kind: 'CostPolicy' }, description: null }))).toMatchObject({
    type: 'Invalid',
  });
  expect(await world.temporal.client.workflow.getHandle(workflowIds.policy('broken')).result()).toBeNull();
  expect(await refusalOf(ask('one', createPolicy, { ...by('ann'), content: content('other', 8), description: null }))).toMatchObject({
    details: [[{ path: 'content.metadata.name' }]],
  });
});

describe('SPEC §14.13: the lifecycle', () => {
  test('an activation with a date in the future does not enforce before it, and does then', async () => {
    await create('dated');
    await approved('dated');
    const effectiveAt = Date.now() + 3_000;
    expect(await activate('dated', effectiveAt)).toMatchObject({ status: 'approved', effectiveAt, activeVersion: null });
    expect(await enforced('dated')).toBeUndefined();
    await expect.poll(() => enforced('dated'), PATIENCE).toBe('0.1.0');
    expect(await now('dated')).toMatchObject({ status: 'active', effectiveAt: null, updatedBy: 'system:policies' });
    expect((await now('dated')).updatedAt).toBeGreaterThanOrEqual(effectiveAt);
    await world.record('policy-lifecycle-dated', 'policy/dated');
  });

  test('a date that comes while no worker runs is kept when one is back', async () => {
    await create('slept');
    await approved('slept');
    const effectiveAt = Date.now() + 3_000;
    await activate('slept', effectiveAt);
    await worker.stop();
    try {
      await expect.poll(() => Date.now(), PATIENCE).toBeGreaterThan(effectiveAt);
      expect(await enforced('slept')).toBeUndefined();
    } finally {
      worker = await world.startWorker();
    }
    await expect.poll(() => enforced('slept'), PATIENCE).toBe('0.1.0');
  });

  test('a major update leaves the active version enforcing until the new one is activated', async () => {
    await active('limits');
    const updated = await version('limits', 'major', content('limits', 8));
    expect(updated).toMatchObject({ status: 'draft', currentVersion: '1.0.0', activeVersion: '0.1.0' });
    expect(await enforced('limits')).toBe('0.1.0');
    await approved('limits');
    expect(await enforced('limits')).toBe('0.1.0');
    await activate('limits');
    expect(await enforced('limits')).toBe('1.0.0');
    expect((await now('limits')).versions.map(({ version: number, status }) => `${number} ${status}`)).toEqual([
      '0.1.0 superseded',
      '1.0.0 active',
    ]);
    expect(await getPolicyContent(world.pool, 'limits', '0.1.0')).toEqual(content('limits', 16));
    await world.record('policy-lifecycle-major', 'policy/limits');
  });

  test('a name is an identity: creating it again is refused', async () => {
    await create('unique');
    expect(await refusalOf(create('unique', 8))).toMatchObject({ type: 'WrongState' });
    expect((await now('unique')).versions).toHaveLength(1);
  });
});

describe('a new version', () => {
  test('of the same rules is minor and takes effect at once on an active policy', async () => {
    await active('minor');
    expect(await version('minor', 'minor', content('minor', 16, 'other words'))).toMatchObject({
      status: 'active',
      activeVersion: '0.2.0',
    });
    expect(await enforced('minor')).toBe('0.2.0');
  });

  test('of other rules is refused as minor, saying what it is; the same content is refused as it is', async () => {
    await active('compare');
    expect(await refusalOf(version('compare', 'minor', content('compare', 17)))).toMatchObject({
      type: 'Invalid',
      details: [[{ path: 'change_type', message: 'expected `major`: the rules differ, and only a change of texts is minor' }]],
    });
    expect(await refusalOf(version('compare', 'major', content('compare', 16)))).toMatchObject({
      details: [[{ path: 'content', message: 'is identical to version 0.1.0' }]],
    });
    expect(await enforced('compare')).toBe('0.1.0');
  });

  test('during review clears approvals and supersedes the version in review', async () => {
    await create('rework');
    await submit('rework');
    await review('rework', 'rita');
    expect(await version('rework', 'major', content('rework', 4))).toMatchObject({
      status: 'draft',
      currentVersion: '1.0.0',
      approvals: [],
      reviewers: [],
    });
    expect(await refusalOf(review('rework', 'rob'))).toMatchObject({ type: 'WrongState' });
  });
});

describe('a deprecated policy', () => {
  test('enforces until its date; then its violations and remediations close, and it can be archived', async () => {
    const violation = await world.insertViolation('i-old');
    await startRemediations(world.deps, [violation]);
    expect(await now('sizes')).toMatchObject({ status: 'active', activeVersion: '1.0.0', createdBy: 'system:seed', openViolations: 1 });
    const date = Date.now() + 3_000;
    expect(await refusalOf(deprecate('sizes', date, 'nothing'))).toMatchObject({ details: [[{ path: 'replacement' }]] });
    expect(await deprecate('sizes', date, 'limits')).toMatchObject({
      status: 'deprecated',
      activeVersion: '1.0.0',
      deprecation: { date, replacement: 'limits' },
    });
    expect(await refusalOf(ask('sizes', archivePolicy, by('olga')))).toMatchObject({ type: 'WrongState' });
    expect(await enforced('sizes')).toBe('1.0.0');
    await expect.poll(() => enforced('sizes'), PATIENCE).toBeUndefined();
    expect(await getViolation(world.pool, violation)).toMatchObject({ status: 'closed', closeReason: 'policy_archived' });
    await expect
      .poll(async () => (await world.pool.query('select result from remediations where violation_id = $1', [violation])).rows, PATIENCE)
      .toEqual([{ result: 'policy_archived' }]);
    expect(await stages('sizes')).toContain('retired 1.0.0 dana');
    expect(await ask('sizes', archivePolicy, by('olga'))).toMatchObject({ status: 'archived' });
    expect(await world.temporal.client.workflow.getHandle('policy/sizes').result()).toBe('archived');
    expect(await refusalOf(version('sizes', 'major', content('sizes', 2)))).toMatchObject({ type: 'WrongState' });
    await world.record('policy-lifecycle-archived', 'policy/sizes');
  });

  test('takes no new version and no activation', async () => {
    await active('ending');
    await deprecate('ending', Date.now() + DAY);
    expect(await refusalOf(version('ending', 'minor', content('ending', 16, 'words')))).toMatchObject({ type: 'WrongState' });
    expect(await refusalOf(activate('ending'))).toMatchObject({ type: 'WrongState' });
    expect(await refusalOf(deprecate('ending', Date.now()))).toMatchObject({ type: 'WrongState' });
  });
});

test('each policy has its workflow, whose state is readable in Temporal without knowing the code', async () => {
  expect(await startPolicyWorkflows(world.deps)).toBe(
    (await listPolicies(world.pool, {}, PAGE)).items.filter(({ status }) => status !== 'archived').length,
  );
  const description = await world.temporal.client.workflow.getHandle(workflowIds.policy('limits')).describe();
  expect(description.status.name).toBe('RUNNING');
  expect(description.searchAttributes).toMatchObject({ TollgatePolicy: ['limits'], TollgatePhase: ['active'] });
  expect(JSON.stringify(description.searchAttributes)).not.toMatch(/ann|rita|rob|olga/);
  const metadata = await world.temporal.client.workflow
    .getHandle(workflowIds.policy('limits'))
    .query<{ currentDetails: string }>('__temporal_workflow_metadata');
  expect(metadata.currentDetails).toBe('`limits` 1.0.0 is **active**; version 1.0.0 enforces\n\nnothing is due');
});

test('lists filter by status, by type and by what enforces, page by page', async () => {
  const names = async (filter: Parameters<typeof listPolicies>[1]) =>
    (await listPolicies(world.pool, filter, PAGE)).items.map(({ name }) => name);
  expect(await names({ status: 'draft' })).toEqual(['reviews', 'rework', 'unique']);
  expect(await names({ enforcing: true })).toEqual(['compare', 'dated', 'ending', 'limits', 'minor', 'slept', 'walk']);
  expect(await names({ type: 'Orphan' })).toEqual([]);
  const first = await listPolicies(world.pool, {}, { limit: 3, cursor: null });
  const second = await listPolicies(world.pool, {}, { limit: 100, cursor: first.next });
  expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(await names({}));
});
