-- Who committed a hold is not who closed it; and what a deployment committed is found by what names the deployment.

alter table holds add column committed_by text;
update holds set committed_by = closed_by, closed_by = null where committed_at is not null and closed_at is null;

drop index holds_key;
create index holds_key on holds (principal, idempotency_key) where status in ('held', 'committed') and idempotency_key is not null;
drop index holds_digest;
create index holds_digest on holds (plan_digest) where status in ('held', 'committed') and plan_digest is not null;

-- A bill notes what it crosses at once; who tells of it comes later.
alter table budget_crossings add column told boolean not null default true;
