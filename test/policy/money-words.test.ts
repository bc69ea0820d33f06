/** What people read has money to the cent; what programs read is exact. */
import { expect, test } from 'vitest';
import { approvalWords } from '../../src/notify/approval-words.js';
import { crossingWords } from '../../src/notify/budget-words.js';
import type { ApprovalRecord } from '../../src/policy/approval.js';
import { budgetKey } from '../../src/policy/budget.js';
import { budgetRulesOf, budgetsOf } from '../../src/policy/budget-rules.js';
import { evaluateRequest, evaluateResource } from '../../src/policy/evaluate.js';
import { NO_EXCEPTIONS } from '../../src/policy/exception.js';
import type { Cost } from '../../src/policy/model.js';
import { moneyWords, moneyWordsOf } from '../../src/policy/money.js';
import { AT, compiledOf } from '../budget/budgets.js';
import { resource } from './samples.js';

test.each([
  ['1000', '1000'],
  ['0.5', '0.5'],
  ['12.345', '12.35'],
  ['12.3449999', '12.34'],
  ['-0.005', '-0.01'],
  ['7.592000', '7.59'],
])('%s is read as %s', (value, words) => {
  expect(moneyWords(value)).toBe(words);
});

test('what would read the same is told exactly', () => {
  expect(moneyWordsOf('1000.0001', '1000')).toEqual(['1000.0001', '1000']);
  expect(moneyWordsOf('12.345', '12.3412')).toEqual(['12.35', '12.34']);
  expect(moneyWordsOf('12.345', '12.345')).toEqual(['12.35', '12.35']);
});

const compiled = compiledOf(`
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: limits }
spec: { type: ResourceLimit, rules: [{ name: cost, resource: "*", constraint: { maxMonthlyCost: "10.1234567" } }] }
---
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: asks }
spec: { type: ApprovalRequirement, rules: [{ name: cost, when: { monthlyCostAbove: "10.1234567" }, approvers: [finops] }] }
---
apiVersion: policy.oneuptime.com/v1
kind: CostPolicy
metadata: { name: budgets }
spec:
  type: BudgetLimit
  rules:
    - { name: full, selector: { tags: { team: a } }, budget: { monthly: "10.1234567" } }
    - name: crossed
      selector: { tags: { team: b } }
      budget: { monthly: "10.1234567", alertThresholds: [{ percent: 33.3, action: block-new-resources }] }
`);

/** All texts in what was decided, wherever they are. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.includes(' ') ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

const UNROUNDED = /\d\.\d{3,}/;
const exact: Cost = { hourly: null, monthly: '12.3456789', source: 'request' };
const wide: Cost = { ...exact, range: { low: '9.8765432', high: '98.7654321' } };
const certain: Cost = { ...exact, monthly: '98.7654321', range: { low: '12.3456789', high: '123.456789' } };

test.each([
  ['a cost', exact],
  ['a cost that may be above', wide],
  ['a cost that is above in any case', certain],
])('%s is told to the cent by every rule, and given exactly', (_, cost) => {
  const budgets = new Map(
    budgetRulesOf(compiled).flatMap((rule) =>
      budgetsOf(rule, AT).map((budget) => {
        const { policyName, ruleName, period } = budget;
        const money = { actual: '9.87654321', committed: '0.00123', held: '0.1', actualUntil: AT, crossed: [] };
        return [budgetKey(budget), { policyName, ruleName, period, ...money }];
      }),
    ),
  );
  const decided = ['a', 'b'].map((team) =>
    evaluateRequest(compiled, NO_EXCEPTIONS, { resources: [resource({ id: null, tags: { team }, cost })] }, AT, { budgets }),
  );
  const scanned = evaluateResource(compiled, NO_EXCEPTIONS, resource({ cost }), AT);
  const texts = textsIn([decided, scanned]);
  expect(texts.length).toBeGreaterThan(6);
  expect(texts.filter((text) => UNROUNDED.test(text))).toEqual([]);
  const observed = decided.flatMap(({ violations, warnings }) => [...violations, ...warnings].map((finding) => finding.limit));
  expect(observed).toContain('10.1234567');
});

const asked: ApprovalRecord = {
  id: 'apr_1',
  decisionId: 'dec_1',
  policyName: 'asks',
  policyVersion: '1.0.0',
  ruleName: 'cost',
  requestKey: 'sha256:0',
  principal: 'ci',
  requester: 'dana',
  resources: ['web-1'],
  reasons: [],
  monthlyCost: null,
  groups: null,
  approvers: [],
  status: 'pending',
  requestedAt: AT,
  expiresAt: AT,
  expiresAfterMs: 1,
  decidedBy: null,
  decidedAt: null,
  comments: null,
  workflowId: 'approval/apr_1',
};

test('notices of budgets and approvals have money to the cent', () => {
  const [rule] = budgetRulesOf(compiled);
  const [budget] = rule === undefined ? [] : budgetsOf(rule, AT);
  if (budget === undefined) throw new Error('no budget');
  const crossing = crossingWords(budget, { percent: 80, of: 'actual', action: 'notify', observed: '9.87654321', currency: 'USD' });
  expect(crossing.body).toContain('9.88 of 10.12 USD');
  expect(approvalWords({ ...asked, monthlyCost: '12.3456789' }).body).toContain('cost: 12.35 a month');
});
