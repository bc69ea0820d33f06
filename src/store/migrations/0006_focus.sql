-- Bills that were imported (FOCUS). A row of `focus_rows` exists only when its whole file was taken.

create table focus_imports (
  id text primary key,
  -- `running` with an old `seen_at` has lost its process: nothing of it was kept.
  status text not null check (status in ('running', 'completed', 'refused', 'failed')),
  file_name text,
  -- Of the bytes as they came; null until all have come.
  sha256 text,
  bytes bigint not null default 0,
  focus_version text,
  currency text not null,
  cost_column text not null check (cost_column in ('EffectiveCost', 'BilledCost')),
  rows bigint not null default 0,
  refused_rows bigint not null default 0,
  -- The first of them: [{ line, column, message }].
  problems jsonb not null default '[]',
  -- What replaced what: [{ billingAccount, start, end, rows, cost, replacedRows }].
  billing_periods jsonb not null default '[]',
  notices jsonb not null default '[]',
  -- Why it was refused or failed.
  reason text,
  created_by text not null,
  started_at timestamptz not null,
  seen_at timestamptz not null,
  ended_at timestamptz
);

create index focus_imports_by_start on focus_imports (started_at desc, id desc);

-- One charge of a bill. `cost` is what budgets count: the import's `cost_column`. Credits and refunds are negative.
create table focus_rows (
  import_id text not null references focus_imports (id),
  billing_account text not null,
  billing_period_start timestamptz not null,
  billing_period_end timestamptz not null,
  charge_start timestamptz not null,
  -- Exclusive.
  charge_end timestamptz not null,
  cost numeric not null,
  billed_cost numeric,
  effective_cost numeric,
  sub_account text,
  provider text,
  region text,
  resource_id text,
  resource_name text,
  service_category text,
  service_name text,
  charge_category text not null,
  -- `Correction`, or null.
  charge_class text,
  tags jsonb not null
);

create index focus_rows_by_billing_period on focus_rows (billing_account, billing_period_start);
create index focus_rows_by_charge_start on focus_rows (charge_start);
