-- Budgets: the money of each budget rule in each period, the holds on it, and the thresholds it has crossed.

create table budgets (
  policy_name text not null,
  rule_name text not null,
  -- 2026-11, 2026-Q4 or 2026
  period text not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  -- which rows of a bill count, as the rule had it when `actual` was last worked out: { tags, account?, service? }
  selector jsonb not null,
  actual numeric not null default 0,
  -- up to when billing data is in; null without any
  actual_until timestamptz,
  -- INVARIANT: sum over its holds of what is committed and not billed yet, and of what is held; changed with them in one transaction
  committed numeric not null default 0,
  held numeric not null default 0,
  primary key (policy_name, rule_name, period)
);
create index budgets_ends on budgets (ends_at);

create table holds (
  id text primary key,
  policy_name text not null,
  rule_name text not null,
  period text not null,
  amount numeric not null check (amount > 0),
  -- settled: all of it has turned into actual
  status text not null check (status in ('held', 'committed', 'released', 'expired', 'settled')),
  -- how much of what is committed has turned into actual
  settled numeric not null default 0 check (settled between 0 and amount),
  decision_id text not null,
  principal text not null,
  requester text not null,
  -- what names the deployment: the key, scoped to its principal, or else the digest of the plan
  idempotency_key text,
  plan_digest text,
  -- addresses, ids or names, as the decision has them
  resources text[] not null,
  taken_at timestamptz not null,
  expires_at timestamptz not null,
  committed_at timestamptz,
  -- when it was released, or had expired
  closed_at timestamptz,
  -- who committed or released it
  closed_by text,
  close_reason text,
  foreign key (policy_name, rule_name, period) references budgets
);
create index holds_held on holds (policy_name, rule_name, period, expires_at) where status = 'held';
create index holds_committed on holds (policy_name, rule_name, period) where status in ('committed', 'settled');
create index holds_budget on holds (policy_name, rule_name, period, taken_at desc, id desc);
create index holds_key on holds (principal, idempotency_key) where status = 'held' and idempotency_key is not null;
create index holds_digest on holds (plan_digest) where status = 'held' and plan_digest is not null;
create index holds_decision on holds (decision_id);

-- One crossing of one threshold in one period, for the amount that the budget had then: it fires once.
create table budget_crossings (
  policy_name text not null,
  rule_name text not null,
  period text not null,
  percent numeric not null,
  of text not null check (of in ('actual', 'forecast')),
  action text not null check (action in ('notify', 'require-approval', 'block-new-resources')),
  budget numeric not null,
  observed numeric not null,
  crossed_at timestamptz not null,
  primary key (policy_name, rule_name, period, percent, of, action, budget)
);
