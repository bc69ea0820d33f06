import { expect, test } from 'vitest';
import { TollgateError } from '../../src/errors.js';
import { retryUntilItWorks } from '../../src/runtime/lifecycle.js';

test('what is away is tried again, and told apart the first time', async () => {
  const told: boolean[] = [];
  let tries = 0;
  const work = () => {
    tries += 1;
    return tries < 3 ? Promise.reject(new TollgateError('unavailable', 'away')) : Promise.resolve('there');
  };
  expect(
    await retryUntilItWorks(
      work,
      (_, isFirst) => told.push(isFirst),
      () => false,
    ),
  ).toBe('there');
  expect(told).toEqual([true, false]);
});

test('a configuration that is wrong is not tried again', async () => {
  const wrong = () => Promise.reject(new TollgateError('invalid-configuration', 'create these search attributes'));
  await expect(
    retryUntilItWorks(
      wrong,
      () => {},
      () => false,
    ),
  ).rejects.toThrow('create these search attributes');
});
