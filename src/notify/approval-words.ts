/** What notices say of approvals of requests. Pure; never a secret. */
import type { ApprovalRecord } from '../policy/approval.js';
import { moneyWords } from '../policy/money.js';

const TITLES: Readonly<Record<ApprovalRecord['status'], string>> = {
  pending: 'A deployment waits for approval',
  approved: 'Deployment approved',
  rejected: 'Deployment rejected',
  expired: 'Nobody decided on a deployment in time',
};

const NAMED = 5;

export function approvalWords(record: ApprovalRecord): { readonly title: string; readonly body: string } {
  const { status, resources, reasons, comments } = record;
  const shown = resources.slice(0, NAMED).join(', ');
  const more = resources.length > NAMED ? ` and ${resources.length - NAMED} more` : '';
  const until = new Date(record.expiresAt).toISOString();
  const lines = [
    `${record.requester} wants to deploy ${shown}${more}`,
    `asked by ${record.policyName}/${record.ruleName}: ${reasons.join('; ')}`,
    record.monthlyCost === null ? [] : `cost: ${moneyWords(record.monthlyCost)} a month`,
    status === 'pending' ? `decide until ${until}: POST /v1/approvals/${record.id}/approve or /reject` : [],
    status === 'approved' ? `by ${record.decidedBy}, good until ${until}: run the deployment again` : [],
    status === 'rejected' ? `by ${record.decidedBy}; stands until ${until}: the same request is not asked again before` : [],
    comments === null ? [] : `comment: ${comments}`,
  ];
  return { title: TITLES[status], body: lines.flat().join('\n') };
}
