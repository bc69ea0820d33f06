import type { WireDecision } from '../../api/contract/evaluate.js';

/** The answer to one file. */
export interface Report {
  /** As given on the command line; `-` is standard input. */
  readonly file: string;
  readonly decision: WireDecision;
}

export type Level = 'error' | 'warning' | 'note';

/** Anything that a reader has to see, in one shape for all formats. */
export interface Finding {
  readonly file: string;
  readonly level: Level;
  readonly effect: WireDecision['violations'][number]['effect'];
  /** True for what could not be judged, since the request does not say or nobody knows yet. */
  readonly unknown: boolean;
  readonly resource: string;
  readonly policy: string;
  readonly rule: string;
  readonly severity: string | null;
  readonly path: string;
  readonly message: string;
  readonly fix: string | null;
}

const LEVELS: { readonly [E in Finding['effect']]: Level } = { deny: 'error', needs_approval: 'error', warn: 'warning', audit: 'note' };

/** What stops the request first, then what warns, each in the order of the decision. Ignored unknowns are left out. */
export function findingsOf({ file, decision }: Report): readonly Finding[] {
  const judged = [...decision.violations, ...decision.warnings].map((finding) => ({
    file,
    level: LEVELS[finding.effect],
    effect: finding.effect,
    unknown: false,
    resource: finding.resource_id,
    policy: finding.policy_name,
    rule: finding.rule_name,
    severity: finding.severity,
    path: finding.path,
    message: finding.message,
    fix: finding.fix?.text ?? null,
  }));
  return [...judged, ...unknownsOf(file, decision)].sort((a, b) => RANK[a.level] - RANK[b.level]);
}

const RANK: { readonly [L in Level]: number } = { error: 0, warning: 1, note: 2 };

function unknownsOf(file: string, decision: WireDecision): readonly Finding[] {
  return decision.unknowns.flatMap((unknown) => {
    if (unknown.effect === 'ignore') return [];
    const { effect, path, reason } = unknown;
    const names = { resource: unknown.resource_id, policy: unknown.policy_name, rule: unknown.rule_name };
    const message = `${path}: ${reason}`;
    return [{ file, level: LEVELS[effect], effect, unknown: true, ...names, severity: null, path, message, fix: null }];
  });
}

export const COST_UNKNOWN = 'cost unknown';

/** `costs 12.00 USD a month`, `costs 12.00 to 20.00 USD a month`, `costs at least 12.00 USD a month`, `cost unknown`. */
export function formatCost({ cost }: WireDecision): string {
  const { low, likely, high, currency, unpriced } = cost;
  const least = low ?? likely;
  // A sum of nothing that is priced is no cost.
  if (high === null && (least === null || (unpriced.length > 0 && Number(least) === 0))) return COST_UNKNOWN;
  if (high === null) return `costs at least ${least} ${currency} a month`;
  return low === null || low === high ? `costs ${likely ?? high} ${currency} a month` : `costs ${low} to ${high} ${currency} a month`;
}

/** One line for each approval that a request waits for, or was refused. */
export function approvalLines({ approvals }: WireDecision): readonly string[] {
  return approvals.map((each) => {
    const approvers = each.approvers.join(', ') || 'nobody at present';
    const approval = `approval ${each.id} of ${each.policy_name}/${each.rule_name}`;
    const until = `until ${each.expires_at.replace(/\.\d+Z$/, 'Z')}`;
    if (each.status === 'rejected') return `${approval} was rejected by ${each.decided_by}, which stands ${until}: ${each.reason}`;
    return `${approval} waits for ${approvers} ${until}`;
  });
}
