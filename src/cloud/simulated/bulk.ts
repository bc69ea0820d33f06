import type { Instant } from '../../policy/model.js';
import { type Db, toTimestamp } from '../../store/db.js';

/** Account, region and type follow from the number, so 100,000 resources make 90 shards of about 1,100. */
const ACCOUNTS = 10;

/**
 * Adds `count` resources by one statement, for benchmarks: 6 of 10 are instances, 3 volumes, 1 a bucket; most are as the shipped policies want
 * them, and a few in a hundred are idle, oversized, unattached or without an owner. Ids are `bulk-` and a number; the same count gives the same resources.
 */
export async function seedBulk(db: Db, count: number, now: Instant): Promise<void> {
  await db.query(
    `insert into simulated.resources (account, type, id, region, name, state, created_at, tags, specs, cost,
       avg_cpu_percent, avg_network_bytes_per_day, metrics_since, attached_to, detached_at, origin)
     select lpad((900000000000 + n % ${ACCOUNTS})::text, 12, '0'), type, 'bulk-' || lpad(n::text, 9, '0'),
       (array['us-east-1', 'eu-west-1', 'us-west-2'])[1 + n / 10 % 3], 'bulk-' || n,
       case type when 'compute/instance' then 'running' when 'storage/volume' then case when unattached then 'available' else 'in-use' end else 'active' end,
       $2::timestamptz - make_interval(days => 30 + n % 600),
       jsonb_build_object('cost-center', 'CC-' || lpad((7000 + n % 40)::text, 6, '0'), 'project', 'bulk-' || n % 100,
         'environment', (array['production', 'development', 'staging', 'sandbox'])[1 + n % 4])
         || case when n % 50 = 3 then '{}' else '{"owner": "dana@company.com"}'::jsonb end,
       case type
         when 'compute/instance' then case when n % 40 = 4
           then '{"vcpus": 32, "memoryGb": 128, "instanceFamily": "general-purpose", "instanceType": "m5.8xlarge"}'::jsonb
           else '{"vcpus": 4, "memoryGb": 16, "instanceFamily": "general-purpose", "instanceType": "m5.xlarge"}'::jsonb end
         when 'storage/volume' then jsonb_build_object('sizeGb', 20 + n % 500, 'volumeType', 'ssd', 'instanceType', 'gp3')
         else '{}' end,
       case type
         when 'compute/instance' then case when n % 40 = 4
           then '{"hourly": "1.536", "monthly": "1121.28", "source": "price-list"}'::jsonb
           else '{"hourly": "0.192", "monthly": "140.16", "source": "price-list"}'::jsonb end
         else '{"hourly": null, "monthly": null, "source": "none"}'::jsonb end,
       case when type = 'compute/instance' then case when n % 100 = 5 then 1.5 else 10 + n % 60 end end,
       case when type = 'compute/instance' then case when n % 100 = 5 then 20000 else 5000000 + n end end,
       case when type = 'compute/instance' then $2::timestamptz - interval '30 days' end,
       case when type = 'storage/volume' and not unattached then 'i-host' || n end,
       case when type = 'storage/volume' and unattached then $2::timestamptz - interval '20 days' end,
       'made'
     from generate_series(1, $1::integer) as n,
       lateral (select case when n % 97 % 10 < 6 then 'compute/instance' when n % 97 % 10 < 9 then 'storage/volume' else 'storage/bucket' end as type,
         n % 60 = 7 as unattached) as kind`,
    [count, toTimestamp(now)],
  );
}
