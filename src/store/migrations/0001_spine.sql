-- The spine: policies, decisions, inventory, violations, remediations, exceptions, notices, access, audit.
-- Words and values are those of the wire. Instants are timestamptz, money is numeric beside the installation's one currency.

create table installation (
  only_row boolean primary key default true check (only_row),
  currency text not null default 'USD',
  -- N of the demonstration clock: every waiting length is divided by it; 1 is real time.
  acceleration integer not null default 1 check (acceleration >= 1),
  created_at timestamptz not null default now()
);
insert into installation default values;

-- ---------------------------------------------------------------- access

create table tokens (
  id text primary key,
  principal text not null,
  roles text[] not null,
  -- sha-256 of the token; the token itself is shown once and never stored
  token_hash bytea not null unique,
  prefix text not null,
  created_at timestamptz not null,
  created_by text not null,
  expires_at timestamptz,
  revoked_at timestamptz
);

create table audit_log (
  seq bigint primary key,
  at timestamptz not null,
  principal text not null,
  action text not null,
  subject text not null,
  before jsonb not null default 'null',
  after jsonb not null default 'null',
  previous_hash text not null,
  -- sha-256 over the canonical JSON of the row and previous_hash: see src/store/audit.ts
  hash text not null unique
);
create index audit_log_subject on audit_log (subject, seq);
create index audit_log_principal on audit_log (principal, seq);
create function audit_log_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'audit_log is append-only';
end $$;
create trigger audit_log_append_only before update or delete or truncate on audit_log
  for each statement execute function audit_log_is_append_only();

create table idempotency_keys (
  principal text not null,
  method text not null,
  path text not null,
  key text not null,
  body_hash text not null,
  -- null while the first call is still under way
  status integer,
  response text,
  created_at timestamptz not null,
  primary key (principal, method, path, key)
);
create index idempotency_keys_created on idempotency_keys (created_at);

-- ---------------------------------------------------------------- policies

create table policies (
  id integer generated always as identity unique,
  name text primary key,
  type text not null,
  namespace text,
  description text,
  status text not null check (status in ('draft', 'review', 'approved', 'active', 'deprecated', 'archived')),
  current_version text not null,
  active_version text,
  reviewers text[] not null default '{}',
  approvals jsonb not null default '[]',
  effective_at timestamptz,
  deprecation jsonb,
  created_at timestamptz not null,
  created_by text not null,
  updated_at timestamptz not null,
  updated_by text not null,
  -- key of the last move, made in the workflow: a repeated activity sees that it was done
  last_move text
);

create table policy_versions (
  policy_name text not null references policies (name),
  version text not null,
  status text not null check (status in ('draft', 'review', 'approved', 'active', 'deprecated', 'archived', 'superseded')),
  -- the document as JSON (apiVersion, kind, metadata, spec), valid by construction
  content jsonb not null,
  content_hash text not null,
  -- hash of the rules without texts: equal for two versions that differ in words only
  rules_hash text not null,
  change_type text not null check (change_type in ('minor', 'major')),
  change_summary text not null,
  created_at timestamptz not null,
  created_by text not null,
  primary key (policy_name, version)
);

-- A counter for what every API process holds in memory: bumped by triggers, told by NOTIFY, polled as a fallback.
create table state_revisions (
  subject text primary key check (subject in ('policies', 'exceptions', 'tokens', 'pauses')),
  revision bigint not null default 1
);
insert into state_revisions (subject) values ('policies'), ('exceptions'), ('tokens'), ('pauses');
create function bump_state_revision() returns trigger language plpgsql as $$
begin
  update state_revisions set revision = revision + 1 where subject = tg_argv[0];
  perform pg_notify('tollgate_state', tg_argv[0]);
  return null;
end $$;
create trigger policies_changed after insert or update or delete on policies
  for each statement execute function bump_state_revision('policies');
create trigger tokens_changed after insert or update or delete on tokens
  for each statement execute function bump_state_revision('tokens');

-- ---------------------------------------------------------------- decisions

create table decisions (
  id text primary key,
  at timestamptz not null,
  principal text not null,
  requester text not null,
  decision text not null check (decision in ('allow', 'warn', 'needs_approval', 'deny')),
  dry_run boolean not null,
  degraded boolean not null,
  policy_set text not null,
  idempotency_key text,
  account text,
  -- request and answer as they crossed the wire, secrets never in them
  request text not null,
  result text not null
);
create index decisions_at on decisions (at desc, id desc);
create index decisions_decision_at on decisions (decision, at desc);
create index decisions_requester_at on decisions (requester, at desc);

-- What a revision stood for, so that a decision can be explained later.
create table policy_sets (
  revision text primary key,
  -- [{name, version}]
  members jsonb not null,
  first_used_at timestamptz not null
);

-- ---------------------------------------------------------------- scans and inventory

create table scans (
  id text primary key,
  status text not null check (status in ('running', 'completed', 'partial', 'failed', 'cancelled')),
  trigger text not null check (trigger in ('manual', 'schedule', 'startup')),
  scope jsonb not null,
  dry_run boolean not null default false,
  requested_by text not null,
  workflow_id text not null,
  started_at timestamptz not null,
  ended_at timestamptz,
  -- set when the scan ends; the other totals are the sums of its shards
  remediations_started integer not null default 0,
  compliance_score numeric,
  -- why the scan as a whole failed; what failed in a shard stands there
  error text
);
create index scans_started on scans (started_at desc, id desc);

create table scan_shards (
  scan_id text not null references scans (id),
  shard text not null,
  provider text not null,
  account text not null,
  region text not null,
  type text not null,
  status text not null check (status in ('pending', 'listing', 'reconciled', 'failed')),
  pages integer not null default 0,
  resources integer not null default 0,
  violations integer not null default 0,
  violations_actionable integer not null default 0,
  violations_new integer not null default 0,
  violations_resolved integer not null default 0,
  unknowns integer not null default 0,
  -- resources with at least one open violation, once it is reconciled
  non_compliant integer not null default 0,
  -- of two scans that overlap on a shard, the one that began to list it first never overwrites the other
  listing_started_at timestamptz,
  error text,
  primary key (scan_id, shard)
);
create index scan_shards_listed on scan_shards (shard, listing_started_at) where status = 'reconciled';

create table resources (
  provider text not null,
  account text not null,
  type text not null,
  id text not null,
  name text,
  region text,
  state text,
  created_at timestamptz,
  namespace text,
  tags jsonb not null,
  specs jsonb not null,
  hourly_cost numeric,
  monthly_cost numeric,
  cost_source text not null,
  metrics jsonb,
  attached_to text,
  detached_at timestamptz,
  managed_by jsonb,
  team text not null,
  owner text,
  -- ids of policies: those with a verdict compliant, violating or excepted, and those where it is unknown
  applicable_policies integer[] not null default '{}',
  unknown_policies integer[] not null default '{}',
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  last_scan_id text not null,
  -- the listing that shows it
  shard text,
  gone_at timestamptz,
  primary key (provider, account, type, id)
);
create index resources_id on resources (id);
create index resources_shard on resources (provider, account, region, type) where gone_at is null;
create index resources_listing on resources (shard) where gone_at is null;
create index resources_team on resources (team) where gone_at is null;

-- What a running scan found, per shard, until the shard is reconciled in one statement. Unlogged: a lost row means the shard is read again.
create unlogged table scan_findings (
  scan_id text not null,
  shard text not null,
  provider text not null,
  account text not null,
  resource_type text not null,
  resource_id text not null,
  policy_name text not null,
  rule_name text not null,
  policy_version text not null,
  -- violating or excepted
  verdict text not null,
  -- id of the violation that this finding opens, if it opens one
  violation_id text not null,
  -- taken before the page was read: what was decided later is not overruled by this finding
  seen_at timestamptz not null,
  exception_id text,
  severity text not null,
  enforcement text not null,
  message text not null,
  checks jsonb not null,
  action text not null,
  parameters jsonb not null,
  grace_ms bigint,
  estimated_monthly_savings numeric,
  hourly_cost numeric,
  resource_name text,
  region text,
  tags jsonb not null,
  team text not null,
  owner text,
  primary key (scan_id, shard, resource_type, resource_id, policy_name, rule_name)
);

-- Live violations that a running scan could not judge: they are neither refreshed nor resolved.
create unlogged table scan_unknowns (
  scan_id text not null,
  shard text not null,
  violation_id text not null,
  primary key (scan_id, shard, violation_id)
);

-- How far a shard has been read. Unlogged like the findings, so that a crash of the database loses both or neither.
create unlogged table scan_cursors (
  scan_id text not null,
  shard text not null,
  -- of the page to read next; null is the first
  cursor text,
  complete boolean not null default false,
  pages integer not null default 0,
  resources integer not null default 0,
  violations integer not null default 0,
  unknowns integer not null default 0,
  primary key (scan_id, shard)
);

create table violations (
  id text primary key,
  episode integer not null,
  status text not null check (status in ('open', 'excepted', 'resolved', 'remediated', 'closed')),
  provider text not null,
  account text not null,
  resource_type text not null,
  resource_id text not null,
  resource_name text,
  region text,
  tags jsonb not null,
  policy_name text not null,
  policy_version text not null,
  rule_name text not null,
  severity text not null check (severity in ('critical', 'high', 'medium', 'low')),
  enforcement text not null check (enforcement in ('deny', 'warn', 'audit')),
  message text not null,
  checks jsonb not null,
  recommended_action text not null,
  action_parameters jsonb not null,
  grace_ms bigint,
  estimated_monthly_savings numeric,
  hourly_cost numeric,
  team text not null,
  owner text,
  detected_at timestamptz not null,
  last_seen_at timestamptz not null,
  -- the scan that opened it; null for an episode that began otherwise
  first_scan_id text,
  last_scan_id text,
  shard text,
  -- until when its cost has been counted against its exception's cap
  accrued_until timestamptz,
  -- when an undo brought it back: what was listed before does not know of it
  reopened_at timestamptz,
  -- null while the violation lives; an excepted one lives too, until its exception ends or a scan no longer shows it
  closed_at timestamptz,
  close_reason text,
  remediation_id text,
  exception_id text
);
create unique index violations_live_key on violations (provider, account, resource_type, resource_id, policy_name, rule_name) where closed_at is null;
create index violations_key on violations (provider, account, resource_type, resource_id, policy_name, rule_name, episode desc);
create index violations_detected on violations (detected_at desc, id desc);
create index violations_policy on violations (policy_name, status);
create index violations_team on violations (team, status);
create index violations_exception on violations (exception_id) where closed_at is null;
create index violations_resource_id on violations (resource_id);
create index violations_shard on violations (shard) where closed_at is null;
create index violations_first_scan on violations (first_scan_id);

-- ---------------------------------------------------------------- remediations

create table remediations (
  id text primary key,
  violation_id text not null references violations (id),
  provider text not null,
  account text not null,
  resource_type text not null,
  resource_id text not null,
  policy_name text not null,
  policy_version text not null,
  rule_name text not null,
  team text not null,
  owner text,
  action text not null,
  parameters jsonb not null,
  dry_run boolean not null default false,
  phase text not null,
  severity text not null,
  escalated boolean not null default false,
  detected_at timestamptz not null,
  escalate_at timestamptz,
  act_at timestamptz not null,
  postponed_ms bigint not null default 0,
  waiting_for text,
  attempts integer not null default 0,
  approved_by text,
  acted_at timestamptz,
  -- what undo needs: the resource as it was before the act
  saved jsonb,
  result text,
  result_message text,
  undo_until timestamptz,
  closed_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- number of the workflow's last projection: an older one never overwrites a newer
  projection_seq integer not null default 0,
  workflow_id text not null
);
create unique index remediations_one_per_violation on remediations (violation_id);
create index remediations_created on remediations (created_at desc, id desc);
create index remediations_policy_acted on remediations (policy_name, acted_at);
create index remediations_live on remediations (policy_name, act_at) where closed_at is null;
create index remediations_team_acted on remediations (team, acted_at);
create index remediations_team_live on remediations (team, act_at) where closed_at is null;
create index remediations_resource on remediations (resource_id);

create table remediation_events (
  remediation_id text not null references remediations (id),
  -- made in the workflow, so that a repeated activity writes the event once
  key text not null,
  at timestamptz not null,
  event text not null,
  principal text,
  details jsonb not null default '{}',
  ordinal bigint generated always as identity,
  primary key (remediation_id, key)
);

-- Ledger of external effects: one row per business idempotency key, written before the call and finished after it.
create table effects (
  idempotency_key text primary key,
  remediation_id text not null,
  step text not null,
  provider text not null,
  resource_id text not null,
  command jsonb not null,
  status text not null check (status in ('started', 'done', 'failed')),
  outcome jsonb,
  error text,
  attempts integer not null default 1,
  started_at timestamptz not null,
  finished_at timestamptz
);
create index effects_remediation on effects (remediation_id, started_at);

-- One approval lets the remediations it names go over a policy's or team's blast-radius limit.
create table blast_radius_releases (
  id integer generated always as identity primary key,
  -- policy:<name> or team:<name>
  scope text not null,
  released_by text not null,
  released_at timestamptz not null,
  remediation_ids text[] not null
);
create index blast_radius_releases_remediations on blast_radius_releases using gin (remediation_ids);

create table enforcement_pauses (
  scope text primary key,
  reason text not null,
  paused_by text not null,
  paused_at timestamptz not null
);
create trigger pauses_changed after insert or update or delete on enforcement_pauses
  for each statement execute function bump_state_revision('pauses');

-- ---------------------------------------------------------------- exceptions

create table exceptions (
  id text primary key,
  type text not null check (type in ('temporary', 'permanent', 'conditional')),
  status text not null check (status in ('pending', 'approved', 'rejected', 'expired', 'revoked', 'lapsed')),
  -- ExceptionTarget
  target jsonb not null,
  policy_name text not null,
  rule_name text not null,
  justification text not null,
  duration_days numeric,
  duration_ms bigint,
  conditions jsonb not null default '{}',
  cap_money numeric,
  cap_uses integer,
  used_money numeric not null default 0,
  used_uses integer not null default 0,
  review_interval_days integer,
  requested_by text not null,
  requested_at timestamptz not null,
  approvers text[] not null,
  approved_by text,
  approved_at timestamptz,
  expires_at timestamptz,
  review_due_at timestamptz,
  last_reviewed_at timestamptz,
  closed_reason text,
  closed_at timestamptz,
  comments text,
  compliant_since timestamptz,
  projection_seq integer not null default 0,
  workflow_id text not null
);
create index exceptions_policy on exceptions (policy_name, rule_name) where status in ('pending', 'approved');
create index exceptions_requested on exceptions (requested_at desc, id desc);
create trigger exceptions_changed after insert or update or delete on exceptions
  for each statement execute function bump_state_revision('exceptions');

create table exception_uses (
  exception_id text not null references exceptions (id),
  -- decision or scan id and the resource: one use is logged once
  key text not null,
  at timestamptz not null,
  used_by text not null,
  money numeric,
  primary key (exception_id, key)
);

-- ---------------------------------------------------------------- notices, scores

create table outbox (
  id text primary key,
  subject text not null,
  stage text not null,
  recipient text not null,
  channel text not null,
  title text not null,
  body text not null,
  payload jsonb not null default '{}',
  created_at timestamptz not null,
  delivered_at timestamptz,
  attempts integer not null default 0,
  next_attempt_at timestamptz not null,
  last_error text,
  unique (subject, stage, recipient, channel)
);
create index outbox_undelivered on outbox (next_attempt_at) where delivered_at is null;
create index outbox_subject on outbox (subject, created_at);
create function outbox_written() returns trigger language plpgsql as $$
begin
  perform pg_notify('tollgate_outbox', '');
  return null;
end $$;
create trigger outbox_written after insert on outbox for each statement execute function outbox_written();

create table scores_daily (
  day date not null,
  -- all, policy, team, account or region, and its name ('' for all)
  scope_kind text not null check (scope_kind in ('all', 'policy', 'team', 'account', 'region')),
  scope_name text not null,
  total integer not null,
  compliant integer not null,
  non_compliant integer not null,
  excepted integer not null,
  score numeric not null,
  recorded_at timestamptz not null,
  primary key (day, scope_kind, scope_name)
);
