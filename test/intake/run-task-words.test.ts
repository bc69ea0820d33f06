import { expect, test } from 'vitest';
import { TollgateError } from '../../src/errors.js';
import { readRunTask } from '../../src/intake/run-task.js';

test('a request of a run task that is wrong is told in our own words', () => {
  const read = () => readRunTask({ payload_version: 2, stage: 7, access_token: 'x', task_result_callback_url: 'x', run_id: 'r' }, []);
  expect(read).toThrow(TollgateError);
  try {
    read();
  } catch (error) {
    expect((error as TollgateError).problems).toEqual([
      { path: 'payload_version', message: 'expected `1`, the only version that is known, got `2`' },
      { path: 'stage', message: 'expected text, got `7`' },
      { path: 'task_result_id', message: 'required and missing, expected text' },
    ]);
  }
});
