import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { claim, runningOn } from '../../src/local/claim.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const CLAIMING = `
import { claim } from ${JSON.stringify(new URL('../../src/local/claim.ts', import.meta.url).href)};
process.stdin.once('data', () => {
  try { claim(process.argv[1], 'http://127.0.0.1:1'); console.log('claimed'); } catch { console.log('refused'); }
});
console.log('ready');
`;

/** A process that claims the directory when it is told to. */
function starter(directory: string) {
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', CLAIMING, directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  child.stdout.on('data', (data) => lines.push(...String(data).trim().split('\n')));
  return {
    async says(word: RegExp): Promise<string> {
      for (;;) {
        const line = lines.find((each) => word.test(each));
        if (line !== undefined) return line;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    go: () => void child.stdin.write('go\n'),
    kill: () => void child.kill('SIGKILL'),
  };
}

test('of several that start at the same moment on what a kill left behind, one runs', { timeout: 60_000 }, async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'running.json'), JSON.stringify({ pid: 1, startedAt: 'long ago', url: 'http://127.0.0.1:9' }));
  const starters = Array.from({ length: 4 }, () => starter(directory));
  try {
    for (const each of starters) await each.says(/ready/);
    for (const each of starters) each.go();
    const said = await Promise.all(starters.map((each) => each.says(/claimed|refused/)));
    expect(said.sort()).toEqual(['claimed', 'refused', 'refused', 'refused']);
    expect(runningOn(directory)?.url).toBe('http://127.0.0.1:1');
  } finally {
    for (const each of starters) each.kill();
  }
});

test('a lock that a killed start left behind hinders nobody', () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'running.lock'), JSON.stringify({ pid: 1, startedAt: 'long ago', url: '' }));
  const giveUp = claim(directory, 'http://127.0.0.1:2');
  expect(() => claim(directory, 'http://127.0.0.1:3')).toThrow('is running already at http://127.0.0.1:2');
  giveUp();
  expect(runningOn(directory)).toBeUndefined();
});
