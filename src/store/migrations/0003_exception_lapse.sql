-- When a request that nobody decides ends by itself, so that its status can be told while no worker runs.
alter table exceptions add column lapses_at timestamptz;
