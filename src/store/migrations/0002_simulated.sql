-- The simulated cloud. Nothing outside src/cloud/simulated reads or writes this schema: to the rest of the house it is a cloud like any other.
create schema simulated;

create table simulated.settings (
  only_row boolean primary key default true check (only_row),
  latency_ms integer not null default 0 check (latency_ms between 0 and 60000),
  reads_burst integer not null default 400 check (reads_burst > 0),
  reads_per_second double precision not null default 200 check (reads_per_second > 0),
  writes_burst integer not null default 200 check (writes_burst > 0),
  writes_per_second double precision not null default 100 check (writes_per_second > 0)
);
insert into simulated.settings default values;

-- A state that takes time is two states and the instant between them: no job moves resources on, reading compares with the clock.
create table simulated.resources (
  account text not null,
  type text not null,
  id text not null,
  region text not null,
  name text,
  state text not null,
  next_state text,
  next_state_at timestamptz,
  created_at timestamptz not null,
  namespace text,
  tags jsonb not null default '{}',
  specs jsonb not null default '{}',
  cost jsonb not null,
  -- What the bill says for the size it was written for: { instanceType, cost }. Null for what is not billed.
  bill jsonb,
  avg_cpu_percent double precision,
  avg_network_bytes_per_day double precision,
  -- Since when there are metrics; null for none.
  metrics_since timestamptz,
  attached_to text,
  detached_at timestamptz,
  managed_by jsonb,
  -- Of a snapshot: what it was taken of.
  source_id text,
  origin text not null check (origin in ('bill', 'made', 'command')),
  primary key (account, type, id),
  check ((next_state is null) = (next_state_at is null))
);
create index resources_shard on simulated.resources (account, region, type, id);
create index resources_attached on simulated.resources (account, attached_to) where attached_to is not null;

create function simulated.state_at(state text, next_state text, next_state_at timestamptz, at timestamptz) returns text
  language sql immutable as $$ select case when next_state_at <= at then next_state else state end $$;

-- Token buckets: one for each account, region and API.
create table simulated.buckets (
  account text not null,
  region text not null,
  api text not null,
  tokens double precision not null,
  refilled_at timestamptz not null,
  primary key (account, region, api)
);

-- Injected faults. A null column matches everything; `remaining` null never runs out.
create table simulated.faults (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('error', 'throttle', 'latency', 'unreachable', 'lost-answer')),
  api text,
  account text,
  region text,
  type text,
  resource_id text,
  message text,
  latency_ms integer not null default 0 check (latency_ms between 0 and 60000),
  remaining integer check (remaining >= 0),
  probability double precision not null default 1 check (probability > 0 and probability <= 1),
  hits bigint not null default 0
);

-- Every accepted command, once for each token, in the transaction of its effect. A repeat only counts.
create table simulated.calls (
  seq bigint generated always as identity primary key,
  at timestamptz not null,
  account text not null,
  token text not null,
  type text not null,
  resource_id text not null,
  kind text not null,
  command jsonb not null,
  changed boolean not null,
  outcome jsonb not null,
  repeats integer not null default 0,
  unique (account, token)
);
create index calls_resource on simulated.calls (account, type, resource_id, kind);
