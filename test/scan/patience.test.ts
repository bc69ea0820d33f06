import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, test } from 'vitest';
import { alive } from '../../src/activities/alive.js';
import { patiently } from '../../src/activities/patience.js';
import { TollgateError } from '../../src/errors.js';

/** Waits that are refused `times` times, half as long as they can be. */
function busyProvider(times: number) {
  let refusals = 0;
  return () => {
    refusals += 1;
    if (refusals <= times) throw new TollgateError('throttled', 'rate exceeded');
    return Promise.resolve('answer');
  };
}

test('an activity that waits for a busy provider is not taken for dead', async () => {
  const environment = new MockActivityEnvironment();
  const heartbeats: unknown[] = [];
  environment.on('heartbeat', (details: unknown) => heartbeats.push(details));
  const wait = () =>
    alive(
      () => patiently(busyProvider(4), () => 1),
      () => ({ shard: 'a' }),
    );
  expect(await environment.run(wait)).toBe('answer');
  expect(heartbeats.length).toBeGreaterThan(0);
  expect(heartbeats[0]).toEqual({ shard: 'a' });
});

test('what the provider refuses is said in its own words', async () => {
  const refused = () => Promise.reject(new TollgateError('provider-refused', 'access denied'));
  await expect(new MockActivityEnvironment().run(() => patiently(refused))).rejects.toThrow('access denied');
});
