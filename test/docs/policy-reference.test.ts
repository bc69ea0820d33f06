/** The call of docs/policy-reference.md is run, in a shell, against a server. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorld, type World } from '../api/world.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { blocksOf, outputPattern } from './blocks.js';

let world: World;
beforeAll(async () => {
  world = await createWorld({ worker: false });
});
afterAll(() => world.close());

test('a stream of policies and tests is answered as the page says', async () => {
  const blocks = blocksOf('docs/policy-reference.md');
  const at = blocks.findIndex((block) => block.language === 'sh' && block.text.startsWith('curl '));
  const [stream, call, answer] = blocks.slice(at - 1, at + 2);
  const cwd = temporaryDirectory();
  writeFileSync(join(cwd, /@(\S+)$/.exec(call?.text ?? '')?.[1] ?? ''), stream?.text ?? '');
  const env = { ...process.env, TOLLGATE_URL: world.url, TOLLGATE_TOKEN: world.tokens.author };
  const child = spawn('bash', ['--noprofile', '--norc', '-c', call?.text ?? ''], { cwd, env });
  expect(`${await text(child.stdout)}\n`).toMatch(outputPattern(answer?.text ?? ''));
});
