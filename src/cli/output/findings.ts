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

/** `12.00 USD a month`, `12.00 to 20.00 USD a month`, `at least 12.00 USD a month`; undefined when nothing is known. */
export function formatCost({ cost }: WireDecision): string | undefined {
  const { low, likely, high, currency } = cost;
  if (likely === null && low === null && high === null) return undefined;
  if (high === null) return `at least ${low ?? likely ?? '0'} ${currency} a month`;
  return low === null || low === high ? `${likely ?? high} ${currency} a month` : `${low} to ${high} ${currency} a month`;
}
