import { readdirSync, readFileSync } from 'node:fs';
import { Worker } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { HISTORIES } from '../support/histories.js';
import { workflowBundle } from '../support/temporal.js';

const files = readdirSync(HISTORIES).filter((file) => file.endsWith('.json'));

test('there are histories to replay', () => {
  expect(files).not.toEqual([]);
});

test.each(files)('the workflows of today replay %s', async (file) => {
  await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, JSON.parse(readFileSync(`${HISTORIES}${file}`, 'utf8')));
});
