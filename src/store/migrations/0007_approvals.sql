-- Approvals of requests that the gate answered with needs_approval: one for each request and rule.
create table approvals (
  id text primary key,
  decision_id text not null,
  policy_name text not null,
  policy_version text not null,
  rule_name text not null,
  -- sha-256 of requester and resources: an approval is for exactly this request
  request_key text not null,
  principal text not null,
  requester text not null,
  resources text[] not null,
  reasons text[] not null,
  monthly_cost numeric,
  -- groups that the rule names; null leaves the defaults
  groups text[],
  approvers text[] not null,
  status text not null check (status in ('pending', 'approved', 'rejected', 'expired')),
  requested_at timestamptz not null,
  expires_at timestamptz not null,
  expires_after_ms bigint not null,
  decided_by text,
  decided_at timestamptz,
  comments text,
  workflow_id text not null
);
create unique index approvals_pending on approvals (request_key, policy_name, rule_name, policy_version) where status = 'pending';
create index approvals_live on approvals (expires_at) where status in ('pending', 'approved');
create index approvals_requested on approvals (requested_at desc, id desc);

alter table state_revisions drop constraint state_revisions_subject_check;
alter table state_revisions add constraint state_revisions_subject_check
  check (subject in ('policies', 'exceptions', 'tokens', 'pauses', 'approvals'));
insert into state_revisions (subject) values ('approvals');
-- Only what was decided is held in memory.
create trigger approvals_changed after update on approvals
  for each statement execute function bump_state_revision('approvals');
