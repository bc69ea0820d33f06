-- Run tasks of HCP Terraform: what was asked, the token to answer with for as long as it is needed, and the answer.
create table run_tasks (
  -- HCP's own id of the result that it waits for
  id text primary key,
  -- without its token
  request jsonb not null,
  -- encrypted; null as soon as the answer is given or can no longer be given
  sealed_token bytea,
  received_at timestamptz not null,
  -- HCP no longer takes an answer then
  expires_at timestamptz not null,
  -- the body of the last callback, once it is known
  result jsonb,
  ended_at timestamptz
);
create index run_tasks_with_token on run_tasks (expires_at) where sealed_token is not null;
