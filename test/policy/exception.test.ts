import { describe, expect, it } from 'vitest';
import type { Directory } from '../../src/policy/directory.js';
import { approversFor, compileExceptions, exceptionStatus, findException } from '../../src/policy/exception.js';
import type { Resource } from '../../src/policy/model.js';
import type { ExceptionRecord, ExceptionTarget } from '../../src/policy/records.js';
import { exception, resource } from './samples.js';

const AT = 1_000;

function matches(record: Partial<ExceptionRecord>, found: Partial<Resource> = {}): boolean {
  const question = { resource: resource(found), policyName: 'resource-limits', ruleName: 'max-instance-size', at: AT };
  return findException(compileExceptions([exception(record)]), question) !== undefined;
}

const planned: Extract<ExceptionTarget, { kind: 'planned' }> = {
  kind: 'planned',
  type: 'compute/instance',
  account: '111122223333',
  namespace: 'production',
  name: 'web-1',
  address: null,
};

describe('the status of an exception', () => {
  it.each<[string, Partial<ExceptionRecord>, string]>([
    ['in force before its end', { expiresAt: AT + 1 }, 'approved'],
    ['expired at its end, though nothing marked it so', { expiresAt: AT }, 'expired'],
    ['in force without an end', { expiresAt: null }, 'approved'],
    ['expired when its uses are used up', { caps: { uses: 2, money: null }, used: { uses: 2, money: '0' } }, 'expired'],
    ['in force with one use left', { caps: { uses: 2, money: null }, used: { uses: 1, money: '0' } }, 'approved'],
    ['expired when its money is used up', { caps: { uses: null, money: '300.00' }, used: { uses: 0, money: '300' } }, 'expired'],
    ['in force with a cent left', { caps: { uses: null, money: '300.00' }, used: { uses: 0, money: '299.99' } }, 'approved'],
    ['pending before it lapses', { status: 'pending', lapsesAt: AT + 1 }, 'pending'],
    ['lapsed when nobody has answered, though nothing marked it so', { status: 'pending', lapsesAt: AT }, 'lapsed'],
    ['pending whatever its end', { status: 'pending', expiresAt: 0 }, 'pending'],
    ['revoked for good', { status: 'revoked' }, 'revoked'],
  ])('is %s', (_, record, status) => expect(exceptionStatus(exception(record), AT)).toBe(status));
});

describe('an exception covers', () => {
  it.each<[string, Partial<ExceptionRecord>, Partial<Resource>, boolean]>([
    ['the resource of its id and account', {}, {}, true],
    ['no resource of another account', {}, { account: '2' }, false],
    ['no resource of another id and the same name', {}, { id: 'i-2' }, false],
    ['nothing that has no id yet', {}, { id: null }, false],
    [
      'no resource of another type where it names one',
      { target: { kind: 'resource', resourceId: 'i-1', account: '111122223333', resourceType: 'storage/volume' } },
      {},
      false,
    ],
    ['nothing of another rule', { ruleName: 'other' }, {}, false],
    ['nothing of another policy', { policyName: 'other' }, {}, false],
    ['nothing while pending', { status: 'pending' }, {}, false],
    ['nothing after its end', { expiresAt: AT }, {}, false],
    ['what is planned, when all is equal', { target: planned }, { id: null }, true],
    ['nothing planned in another namespace', { target: planned }, { id: null, namespace: 'staging' }, false],
    ['nothing planned whose namespace is not known', { target: planned }, { id: null, tags: {} }, false],
    ['nothing planned of another type', { target: planned }, { id: null, type: 'storage/volume' }, false],
    ['nothing planned in another account', { target: planned }, { id: null, account: null }, false],
    ['nothing planned of another name', { target: planned }, { id: null, name: 'web-2' }, false],
    ['what is planned at its address', { target: { ...planned, name: null, address: 'a.b' } }, { id: null, address: 'a.b' }, true],
    [
      'nothing planned at another address, by its name alone',
      { target: { ...planned, address: 'a.b' } },
      { id: null, address: 'a.c' },
      false,
    ],
    ['nothing when it names neither name nor address', { target: { ...planned, name: null } }, { id: null, name: null }, false],
    ['all that carry its tags', { target: { kind: 'selector', tags: { project: 'web' }, account: null } }, { id: 'i-9' }, true],
    [
      'nothing of another account than its selector names',
      { target: { kind: 'selector', tags: { project: 'web' }, account: '2' } },
      {},
      false,
    ],
    [
      'nothing whose tag is known after apply',
      { target: { kind: 'selector', tags: { project: 'web' }, account: null } },
      { unknownPaths: ['tags'] },
      false,
    ],
    ['nothing when its selector is empty', { target: { kind: 'selector', tags: {}, account: null } }, {}, false],
    ['a resource whose tags are as its condition says', { conditions: { tags: { environment: 'production' } } }, {}, true],
    ['no resource whose tags changed', { conditions: { tags: { environment: 'staging' } } }, {}, false],
    ['a resource that costs less than its condition', { conditions: { monthlyCostBelow: '280.33' } }, {}, true],
    ['no resource that costs as much', { conditions: { monthlyCostBelow: '280.32' } }, {}, false],
    [
      'no resource whose cost is unknown',
      { conditions: { monthlyCostBelow: '1000' } },
      { cost: { hourly: null, monthly: null, source: 'none' } },
      false,
    ],
    [
      'no resource that may cost as much',
      { conditions: { monthlyCostBelow: '300' } },
      { cost: { hourly: null, monthly: '280', source: 'request', range: { low: '280', high: '300' } } },
      false,
    ],
    ['a resource in the state of its condition', { conditions: { state: 'running' } }, {}, true],
    ['no resource in another state', { conditions: { state: 'running' } }, { state: 'stopped' }, false],
  ])('%s', (_, record, found, covered) => expect(matches(record, found)).toBe(covered));

  it('one resource by the oldest of several, and by one that is in force', () => {
    const records = [
      exception({ id: 'exc_3', requestedAt: 3 }),
      exception({ id: 'exc_1', requestedAt: 1, expiresAt: AT }),
      exception({ id: 'exc_2', requestedAt: 2 }),
    ];
    const question = { resource: resource(), policyName: 'resource-limits', ruleName: 'max-instance-size', at: AT };
    expect(findException(compileExceptions(records), question)?.id).toBe('exc_2');
    expect(findException(compileExceptions(records), { ...question, at: AT - 1 })?.id).toBe('exc_1');
  });
});

describe('an exception may be decided by', () => {
  const directory: Directory = {
    people: [
      { id: 'dana', manager: 'bob', teams: [] },
      { id: 'bob', teams: [] },
      { id: 'sam', manager: 'sam', teams: [] },
    ],
    groups: { finops: ['fiona', 'bob'], security: ['sam'], board: ['ceo', 'dana'] },
    owners: { team: [], owner: [], fallback: [] },
  };
  const ask = { directory, requester: 'dana', admins: ['root', 'dana'] } as const;

  it.each([
    ['manager and security for a limit', { policyType: 'ResourceLimit' }, ['bob', 'sam']],
    ['manager and security for tags', { policyType: 'TagRequirement' }, ['bob', 'sam']],
    ['manager and finops for a budget, nobody twice', { policyType: 'BudgetLimit' }, ['bob', 'fiona']],
    ['the manager alone for the others', { policyType: 'Utilization' }, ['bob']],
    ['finops when there is no manager', { policyType: 'Orphan', requester: 'bob' }, ['fiona']],
    [
      'the groups that the rule names, in place of the defaults, never the requester',
      { policyType: 'ResourceLimit', exceptionApprovers: ['board'] },
      ['ceo'],
    ],
    ['finops when nobody but the requester is left', { policyType: 'ResourceLimit', requester: 'sam' }, ['fiona', 'bob']],
    ['finops when the named group is empty', { policyType: 'ResourceLimit', exceptionApprovers: ['nobody'] }, ['fiona', 'bob']],
    [
      'admins when everybody in finops asked: on behalf of another, or for themselves',
      { policyType: 'Orphan', exceptionApprovers: ['finops'], requester: 'bob', principal: 'fiona' },
      ['root', 'dana'],
    ],
    [
      'finops when the only one named asked on behalf of another',
      { policyType: 'Orphan', principal: 'ceo', exceptionApprovers: ['board'] },
      ['fiona', 'bob'],
    ],
    ['admins at last', { policyType: 'Orphan', directory: { ...directory, people: [], groups: {} } }, ['root']],
    [
      'nobody when the requester is the only admin',
      { policyType: 'Orphan', directory: { ...directory, people: [], groups: {} }, admins: ['dana'] },
      [],
    ],
  ] as const)('%s', (_, question, approvers) => expect(approversFor({ ...ask, ...question })).toEqual(approvers));
});
