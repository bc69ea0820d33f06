/** The commands about what the gate decided, and what came of it, against a real server: decisions, budgets, holds, approvals. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { WireBudget } from '../../src/api/contract/budget.js';
import { decisionSchema, type WireDecision } from '../../src/api/contract/evaluate.js';
import type { Role } from '../../src/policy/house-records.js';
import { parsePolicies } from '../../src/policy/parse.js';
import { insertCrossings } from '../../src/store/budget-crossings.js';
import { createWorld, read, shippedPolicies, until, type World } from '../api/world.js';
import { insertPolicy } from '../store/fixtures.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { commandLine } from './run.js';

const RESERVATIONS = `
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: reservations }
spec:
  type: ApprovalRequirement
  rules:
    - { name: reserved, resource: commitment/*, when: { purchaseOption: reserved }, approvers: [finops] }
`;
const tags = { 'cost-center': 'CC-001234', environment: 'staging', owner: 'dana@company.com', project: 'web' };
const web = { type: 'compute/instance', name: 'web-1', account: '1', region: 'us-east-1', tags, cost: { monthly: '73.00' } };
const small = { ...web, specs: { vcpus: 4, memory_gb: 16, instance_family: 'general-purpose' } };
const reservation = {
  ...web,
  type: 'commitment/reservation',
  name: 'ri-1',
  specs: { purchase_option: 'reserved', term_months: 12 },
  cost: { monthly: '45.26' },
};

let world: World;
const { run, tollgate, json, items } = commandLine(() => world);
beforeAll(async () => {
  const reservations = parsePolicies(RESERVATIONS, 'reservations.yaml').documents;
  world = await createWorld({ policies: [...shippedPolicies(), ...reservations] });
});
afterAll(() => world.close());

const evaluate = async (body: object, as: Role = 'engineer'): Promise<WireDecision> =>
  read(decisionSchema, await world.ask('POST', '/v1/evaluate', { as, body }));
const holdOf = async (body: object = small) => (await evaluate(body)).holds[0]?.id ?? '';
/** With the answer of the API to the same question, but for the instants that pass. */
const answerOf = async (path: string) => (await world.ask('GET', path)).body;

test.each([
  ['decision', 'show', 'dec_none'],
  ['decision', 'replay', 'dec_none'],
  ['budget', 'show', 'team-budgets', 'none'],
  ['hold', 'commit', 'hold_none'],
  ['hold', 'release', 'hold_none'],
  ['approval', 'show', 'apr_none'],
  ['approval', 'approve', 'apr_none'],
  ['approval', 'reject', 'apr_none', '--reason', 'no'],
])('%s %s %s: there is none, which is said, and the exit code is 1', async (...args) => {
  for (const also of [[], ['--json']]) {
    const { stdout, error, code } = await run('admin', [...args, ...also]);
    expect({ stdout, code }).toEqual({ stdout: '', code: 1 });
    expect(error).toMatch(/no.*`none`|`(dec|hold|apr)_none`/);
  }
});

describe('decision', () => {
  let denied: WireDecision;
  let allowed: WireDecision;
  beforeAll(async () => {
    denied = await evaluate({
      ...small,
      name: 'web-9',
      specs: { ...small.specs, vcpus: 32 },
      namespace: 'production',
      idempotency_key: 'b-1',
    });
    allowed = await evaluate(small, 'deployer');
  });

  test('list: newest first, filtered, and where the next page begins', async () => {
    const list = await tollgate('decision', 'list');
    expect(list).toMatch(/^ID +AT +DECISION +REQUESTER +DOOR +ACCOUNT\ndec_/);
    expect(list.indexOf(allowed.decision_id)).toBeLessThan(list.indexOf(denied.decision_id));
    expect(list).toMatch(new RegExp(`${denied.decision_id} +\\S+Z +deny +engineer@company.com +evaluate +1\n`));
    const filtered = ['decision', 'list', '--requester', 'deployer@company.com', '--decision', 'allow', '--account', '1'];
    expect((await items(...filtered)).map(({ id }) => id)).toEqual([allowed.decision_id]);
    expect(await items('decision', 'list', '--until', denied.evaluated_at)).toEqual([]);
    expect((await items('decision', 'list', '--since', allowed.evaluated_at)).map(({ id }) => id)).toEqual([allowed.decision_id]);
    expect(await tollgate('decision', 'list', '--account', 'nobody')).toBe('none\n');
    const { stdout, stderr } = await run('viewer', ['decision', 'list', '--limit', '1']);
    expect(stdout).toContain(allowed.decision_id);
    const cursor = /^more: --cursor (\S+)\n$/.exec(stderr)?.[1] ?? '';
    expect((await items('decision', 'list', '--cursor', cursor)).map(({ id }) => id)).toEqual([denied.decision_id]);
    expect(await json('decision', 'list')).toEqual(await answerOf('/v1/decisions'));
  });

  test('list: what is no filter is refused with what would be', async () => {
    const { error, code } = await run('viewer', ['decision', 'list', '--decision', 'perhaps', '--since', 'yesterday']);
    expect(code).toBe(1);
    for (const path of ['decision:', 'since:']) expect(error).toContain(path);
  });

  test('a dry run is marked as one', async () => {
    await evaluate({ ...small, dry_run: true });
    const { stdout } = await run('admin', ['decision', 'list', '--limit', '1']);
    expect(stdout).toContain(' allow (dry run) ');
  });

  test('show: the facts, the answer as it went out, and the holds on it', async () => {
    const shown = await tollgate('decision', 'show', denied.decision_id);
    expect(shown).toMatch(new RegExp(`^id +${denied.decision_id}\nat +\\S+Z\ndecision +deny\n`));
    expect(shown).toMatch(/requester +engineer@company.com\nasked by +engineer@company.com\n.*idempotency key +b-1\n/s);
    expect(shown).toContain('\n\nRequest denied due to policy violations\n  DENY  web-9: Requested 32 vCPUs exceeds limit of 16');
    const [hold] = allowed.holds;
    expect(await tollgate('decision', 'show', allowed.decision_id)).toMatch(
      new RegExp(
        `\n\nID +RULE +PERIOD +AMOUNT +EXPIRES\n${hold?.id} +team-budgets/engineering-team-budget +${hold?.period} +${hold?.amount} +`,
      ),
    );
    expect(await json('decision', 'show', denied.decision_id)).toEqual(await answerOf(`/v1/decisions/${denied.decision_id}`));
  });

  test('show: of a plan, the reasons of one resource', async () => {
    const { decision_id: id } = await evaluate({ resources: [small, { ...small, name: 'web-2' }] });
    const args = ['decision', 'show', id, '--resource', 'web-2'];
    const { explanation } = await json<{ explanation: { resources: { resource_id: string }[] } }>(...args);
    expect(explanation.resources.map(({ resource_id: name }) => name)).toEqual(['web-2']);
  });

  test('replay: the same as then, and what is different now', async () => {
    expect(await tollgate('decision', 'replay', denied.decision_id)).toMatch(
      new RegExp(`^decision +${denied.decision_id}\npolicies +then\nsame +true\nbefore +deny\nafter +deny\n$`),
    );
    const strict = { type: 'ResourceLimit', rules: [{ name: 'tiny', resource: 'compute/*', constraint: { maxVCPUs: 2 } }] };
    const content = { apiVersion: 'policy.oneuptime.com/v1', kind: 'CostPolicy', metadata: { name: 'sizes' }, spec: strict };
    await insertPolicy(world.database.pool, { name: 'sizes', content });
    const args = ['decision', 'replay', allowed.decision_id, '--policies', 'now'];
    const now = await until(
      () => tollgate(...args),
      (text) => text.includes('tiny'),
    );
    expect(now).toMatch(/policies +now\nsame +false\nbefore +allow\nafter +deny\n\nCHANGE +WHERE +RESOURCE +RULE +TEXT\n/);
    expect(now).toMatch(/changed +decision +- +- +allow became deny\n/);
    expect(now).toMatch(/added +violations +web-1 +sizes\/tiny +Requested 4 vCPUs exceeds limit of 2\n/);
    const answer = await json<{ after: string; differences: { rule_name: string | null }[] }>(...args);
    expect(answer).toMatchObject({ after: 'deny', result: { decision: 'deny' } });
    await world.database.pool.query(`update policies set active_version = null where name = 'sizes'`);
    await until(
      () => tollgate(...args),
      (text) => !text.includes('tiny'),
    );
    expect((await run('admin', ['decision', 'replay', denied.decision_id, '--policies', 'soon'])).code).toBe(1);
  });
});

describe('budget', () => {
  beforeEach(async () => {
    await world.database.pool.query('truncate budgets, holds, budget_crossings');
  });

  test('list: what is actual, committed, held and left of each, in its present period', async () => {
    const id = await holdOf();
    const [{ held, remaining }] = (await items('budget', 'list', '--policy', 'team-budgets')) as unknown as [WireBudget];
    expect(Number(held)).toBeGreaterThan(0);
    const list = await tollgate('budget', 'list');
    expect(list).toMatch(/^RULE +PERIOD +BUDGET +ACTUAL +COMMITTED +HELD +REMAINING +USED +FORECAST +STATE\n/);
    const row = (committed: string, left: string) =>
      new RegExp(
        `team-budgets/engineering-team-budget +\\d{4}-\\d\\d +50000.00 USD +0.00 +${committed} +${left} +${remaining} +\\S+ % +\\S+ +-\n`,
      );
    expect(list).toMatch(row('0.00', held));
    await tollgate('hold', 'commit', id);
    expect(await tollgate('budget', 'list')).toMatch(row(held, '0.00'));
    expect(await tollgate('budget', 'list', '--policy', 'nothing')).toBe('none\n');
    const { stdout, stderr } = await run('viewer', ['budget', 'list', '--limit', '2']);
    expect(stdout.trim().split('\n')).toHaveLength(3);
    expect(await items('budget', 'list', '--cursor', stderr.replace('more: --cursor ', '').trim())).toHaveLength(1);
    expect(await json('budget', 'list')).toEqual(await answerOf('/v1/budgets'));
  });

  test('a budget that blocks says so, since when and until when, and what it denies says how that is lifted', async () => {
    const rule = { policyName: 'team-budgets', ruleName: 'engineering-team-budget' };
    const [{ period, to }] = (await items('budget', 'list', '--policy', rule.policyName)) as unknown as [WireBudget];
    const crossing = {
      ...rule,
      period,
      percent: 100,
      of: 'actual',
      action: 'block-new-resources',
      budget: '50000',
      observed: '50000',
    } as const;
    await insertCrossings(world.database.pool, [{ ...crossing, crossedAt: Date.UTC(2026, 10, 22) }]);
    const state = `% +\\S+ +blocked until ${to.slice(0, 10)} \\(100% crossed 2026-11-22\\)\n`;
    expect(await tollgate('budget', 'list')).toMatch(new RegExp(state));
    expect(await tollgate('budget', 'show', rule.policyName, rule.ruleName)).toMatch(new RegExp(state));

    const file = join(temporaryDirectory(), 'web-1.json');
    writeFileSync(file, JSON.stringify(small));
    const { stdout, code } = await run('engineer', ['evaluate', file]);
    expect(code).toBe(2);
    const lift = /DENY .* are blocked .*\n +lift: raise the amount of .*, wait for .* end of its period, .*:\n +(tollgate .*)\n/;
    const [, command = ''] = lift.exec(stdout) ?? [];
    expect(command).toContain('--planned-name web-1 --policy team-budgets --rule engineering-team-budget');
    const words = command.replace("'why'", 'urgent').split(' ').slice(1);
    expect(await run('engineer', words)).toMatchObject({ code: 0, error: '' });
  });

  test('show: the periods of a rule, and the holds on them', async () => {
    const id = await holdOf();
    const args = ['budget', 'show', 'team-budgets', 'engineering-team-budget'];
    const shown = await tollgate(...args);
    expect(shown).toMatch(/^RULE +PERIOD .*\nteam-budgets\/engineering-team-budget .*\n\nID +STATUS +PERIOD +AMOUNT +REQUESTER +EXPIRES\n/);
    expect(shown).toMatch(new RegExp(`${id} +held +\\d{4}-\\d\\d +\\S+ +engineer@company.com +\\S+Z\n$`));
    expect(await tollgate(...args, '--status', 'released')).toMatch(/\nnone\n$/);
    expect(await tollgate(...args, '--period', '2031-01')).toMatch(
      / 2031-01 +50000.00 USD +0.00 +0.00 +0.00 +50000.00 +0 % +- +-\nnone\n$/,
    );
    expect(await json(...args)).toEqual(await answerOf('/v1/budgets/team-budgets/engineering-team-budget'));
    const wrong = await run('admin', [...args, '--period', 'soon', '--status', 'lost']);
    expect(wrong.code).toBe(1);
    for (const path of ['period:', 'status:']) expect(wrong.error).toContain(path);
  });
});

describe('hold', () => {
  test('commit: once, and again without effect; then it cannot be released', async () => {
    const id = await holdOf();
    const committed = await tollgate('hold', 'commit', id);
    expect(committed).toMatch(
      new RegExp(`^id +${id}\nstatus +committed\npolicy +team-budgets\nrule +engineering-team-budget\nperiod +\\S+\namount +\\S+ USD\n`),
    );
    expect(committed).toMatch(/committed +\S+Z\ncommitted by +admin@company.com\n/);
    expect(await tollgate('hold', 'commit', id)).toBe(committed);
    expect(await run('admin', ['hold', 'release', id])).toMatchObject({ code: 1, stdout: '', error: expect.stringContaining('committed') });
  });

  test('release: given back, and no longer to be committed', async () => {
    const id = await holdOf();
    expect(await json('hold', 'release', id)).toMatchObject({
      id,
      status: 'released',
      closed_by: 'admin@company.com',
      close_reason: 'released',
    });
    expect(await tollgate('hold', 'release', id)).toMatch(/status +released\n.*closed by +admin@company.com\nreason +released\n/s);
    expect(await run('admin', ['hold', 'commit', id])).toMatchObject({ code: 1, error: expect.stringContaining('released') });
  });

  test('is for deployers', async () => {
    const id = await holdOf();
    expect(await run('viewer', ['hold', 'commit', id])).toMatchObject({ code: 1, error: expect.stringContaining('deployer') });
    expect((await run('deployer', ['hold', 'commit', id])).code).toBe(0);
  });
});

describe('approval', () => {
  const asked = async (name: string) => {
    const decision = await evaluate({ ...reservation, name });
    expect(decision.decision).toBe('needs_approval');
    return { decisionId: decision.decision_id, id: decision.approvals[0]?.id ?? '' };
  };
  /** The only one who may decide. */
  const asFinops = async (...args: string[]) => {
    const { token } = await json<{ token: string }>('token', 'create', '--principal', 'finops@company.com', '--role', 'approver');
    return tollgate('--token', token, 'approval', ...args);
  };

  test('list and show: what waits for whom', async () => {
    const { id, decisionId } = await asked('ri-1');
    const list = await tollgate('approval', 'list', '--status', 'pending', '--policy', 'reservations', '--approver', 'finops@company.com');
    expect(list).toMatch(/^ID +STATUS +RESOURCES +RULE +REQUESTER +MONTHLY COST +EXPIRES\n/);
    expect(list).toMatch(new RegExp(`${id} +pending +ri-1 +reservations/reserved +engineer@company.com +45.26 +\\S+Z\n`));
    expect(await tollgate('approval', 'list', '--approver', 'nobody@company.com')).toBe('none\n');
    const shown = await tollgate('approval', 'show', id);
    expect(shown).toMatch(new RegExp(`^id +${id}\nstatus +pending\nresources +ri-1\npolicy +reservations\nrule +reserved\nreasons +\\S`));
    expect(shown).toMatch(new RegExp(`approvers +finops@company.com\nexpires +\\S+Z\ndecision +${decisionId}\n`));
    expect(await json('approval', 'show', id)).toEqual(await answerOf(`/v1/approvals/${id}`));
    expect((await run('admin', ['approval', 'show', id, '--wait', 'long'])).error).toContain('wait:');
    expect((await run('admin', ['approval', 'list', '--status', 'maybe'])).error).toContain('status:');
  });

  test('approve: by who is named, once; the decision then names it', async () => {
    const { id, decisionId } = await asked('ri-2');
    const self = await run('approver', ['approval', 'approve', id]);
    expect(self).toMatchObject({ code: 1, stdout: '', error: expect.stringContaining('it is for finops@company.com') });
    const waiting = tollgate('approval', 'show', id, '--wait', '30s');
    expect(await asFinops('approve', id, '--comments', 'cheaper by 40 %')).toMatch(
      /status +approved\n.*decided by +finops@company.com\ncomments +cheaper by 40 %\n/s,
    );
    expect(await waiting).toMatch(/status +approved\n/);
    const allowed = await evaluate({ ...reservation, name: 'ri-2' });
    for (const decision of [decisionId, allowed.decision_id])
      expect(await tollgate('decision', 'show', decision)).toMatch(
        new RegExp(
          `\n\nID +STATUS +RULE +APPROVERS +DECIDED BY +EXPIRES +COMMENTS\n${id} +approved +reservations/reserved +finops@company.com +finops@company.com +\\S+Z +cheaper by 40 %\n`,
        ),
      );
    expect((await run('approver', ['approval', 'reject', id, '--reason', 'too late'])).error).toContain('approved');
  });

  test('reject: with the reason, which it needs', async () => {
    const { id } = await asked('ri-3');
    expect(await run('approver', ['approval', 'reject', id])).toMatchObject({ code: 1, stderr: expect.stringContaining('--reason') });
    expect(JSON.parse(await asFinops('reject', id, '--reason', 'buy next quarter', '--json'))).toMatchObject({
      id,
      status: 'rejected',
      comments: 'buy next quarter',
    });
  });
});
