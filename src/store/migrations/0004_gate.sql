-- The gate: through which door a request came, which plan it was, and what else its decision rested on.

alter table decisions
  add column door text not null default 'evaluate',
  -- sha256:… of what a plan asks for; null for a single resource
  add column plan_digest text,
  -- JSON text: exceptions and budgets as they were read, for a replay; null when it rested on the policies alone
  add column facts text;
