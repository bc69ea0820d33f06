import { expect, test } from 'vitest';
import { type BillTally, billLines } from '../../src/store/focus-read.js';
import { headerOf, rowOf } from './focus-file.js';

test('a bill that comes faster than it is read leaves turns to others', async () => {
  async function* texts() {
    yield headerOf();
    const piece = rowOf().repeat(500);
    for (let count = 0; count < 100; count += 1) yield piece;
  }
  const tally: BillTally = { header: null, rows: 0, refusedRows: 0, problems: [] };
  let turns = 0;
  const turn = () => {
    turns += 1;
    next = setImmediate(turn);
  };
  let next = setImmediate(turn);
  let most = 0;
  let before = 0;
  for await (const lines of billLines({ costColumn: 'EffectiveCost', currency: 'USD' }, tally)(texts())) {
    expect(lines.length).toBeGreaterThan(0);
    most = Math.max(most, tally.rows - before);
    if (turns > 0) before = tally.rows;
    turns = 0;
  }
  clearImmediate(next);
  expect(tally.rows).toBe(50_000);
  expect(most).toBeLessThan(tally.rows / 2);
});
