import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { packageRoot } from '../src/package-root.js';

/** What a process of its own printed that ran `body` with a `log`. */
function printedBy(body: string): readonly Record<string, unknown>[] {
  const script = `import { createLog } from './src/log.ts'; const log = createLog('api', 'info'); ${body}`;
  const { stdout } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    cwd: packageRoot,
    encoding: 'utf8',
  });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('each call is one line of JSON, in their order, without what is secret', () => {
  const lines = printedBy(`for (let n = 0; n < 3; n += 1) log.info({ n, token: 'tg_1', headers: { password: 'x' } }, 'said');`);
  expect(lines).toEqual(
    [0, 1, 2].map((n) => ({
      level: 'info',
      time: expect.any(String) as string,
      service: 'api',
      pid: expect.any(Number) as number,
      n,
      token: '[redacted]',
      headers: { password: '[redacted]' },
      msg: 'said',
    })),
  );
});

test.each(['process.exit(3)', `throw new Error('unforeseen')`])('what was said right before %s is printed', (end) => {
  expect(printedBy(`log.info({}, 'the last word'); ${end};`)).toMatchObject([{ msg: 'the last word' }]);
});
