// Everything that can be said about the code without running it. All checks run, then each says in one line how it went.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const CHECKS = [
  ['format', 'biome', ['check', '--colors=off', '.']],
  ['types', 'tsc', ['-p', '.']],
  ['lint', 'oxlint', ['--type-aware', '--deny-warnings']],
  ['unused code', 'knip', []],
  ['architecture', 'vitest', ['run', '--config', 'test/architecture.config.ts', '--reporter', 'dot']],
];

function run([name, bin, args]) {
  return new Promise((resolve) => {
    const began = Date.now();
    const child = spawn(join('node_modules/.bin', bin), args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
    });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    child.on('error', (error) => resolve({ name, ok: false, output: error.message, began }));
    child.on('close', (code) => resolve({ name, ok: code === 0, output, seconds: ((Date.now() - began) / 1000).toFixed(1) }));
  });
}

const results = await Promise.all(CHECKS.map(run));
for (const { ok, name, output } of results) if (!ok) console.log(`\n--- ${name}\n${output.trim()}\n`);
for (const { ok, name, seconds } of results) console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
process.exit(results.every(({ ok }) => ok) ? 0 : 1);
