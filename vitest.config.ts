import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // The SDK and child processes write to the console; as it comes is easier to read than per test.
    disableConsoleIntercept: true,
    env: { TZ: 'UTC' },
  },
});
