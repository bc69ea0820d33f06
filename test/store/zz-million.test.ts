import { createReadStream } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { test } from 'vitest';
import { importFocus } from '../../src/store/focus-import.js';
import { createTestDatabase } from '../support/postgres.js';
test('million', async () => {
  const db = await createTestDatabase();
  for (const [id, file] of [['imp_0', '/work/main/data/focus/focus-1.0-sample-1000.csv'], ['imp_1', '/tmp/fb/m.csv'], ['imp_2', '/tmp/fb/m.csv']] as const) {
    const base = process.memoryUsage().rss;
    let peak = 0;
    const timer = setInterval(() => { peak = Math.max(peak, process.memoryUsage().rss); }, 50);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const t0 = performance.now();
    const done = await importFocus(db.pool, { id, fileName: null, currency: 'USD', costColumn: 'EffectiveCost', createdBy: 'x', startedAt: Date.now() }, { bytes: createReadStream(file), limitBytes: 4e9 }, { settle: async () => { console.log(id, 'copied+replaced', (performance.now() - t0) / 1000); }, now: Date.now });
    const s = (performance.now() - t0) / 1000;
    clearInterval(timer); delay.disable();
    console.log(id, done.rows, s, 's', done.rows / s, 'rows/s', 'rss base', base / 1e6, 'peak', peak / 1e6, 'loop p99', delay.percentile(99) / 1e6, 'max', delay.max / 1e6, done.billingPeriods.length);
  }
  await db.drop();
}, 600_000);
