/** Executes docs/tour.md, block by block, against a house that is really started, and compares what it prints with what the page says. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runningOn } from '../../src/local/claim.js';
import { packageRoot } from '../../src/package-root.js';
import { type Block, blocksOf, outputPattern } from './blocks.js';

const ADDRESS = 'http://127.0.0.1:8080';
const END = '--8<--';

interface Step {
  readonly title: string;
  readonly command: Block;
  /** Null where the page shows no output. */
  readonly output: string | null;
}

function stepsOf(blocks: readonly Block[]): readonly Step[] {
  return blocks.flatMap((command, index) => {
    if (command.language !== 'sh') return [];
    const next = blocks[index + 1];
    const title = `line ${command.line}: ${command.text.split('\n').at(-1)}`;
    return [{ title, command, output: next?.language === 'text' ? next.text : null }];
  });
}

const [start, ...steps] = stepsOf(blocksOf('docs/tour.md'));

/** Collects what a process prints, and waits for words in it; a process that ends before it has said them is an error. */
function listen(child: ChildProcess) {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (output += String(data)));
  return {
    take: async (end: string): Promise<string> => {
      while (!output.includes(end)) {
        if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${output}`);
        await sleep(20);
      }
      const taken = output.slice(0, output.indexOf(end));
      output = output.slice(output.indexOf(end) + end.length);
      return taken;
    },
  };
}

// Starting and scanning take as long as the machine is busy; nothing here depends on how long.
describe('the tour', { timeout: 300_000 }, () => {
  let folder: string;
  let house: ChildProcess;
  let shell: ChildProcess;
  let shellOutput: ReturnType<typeof listen>;
  let startOutput: string;
  let failed = false;

  beforeAll(async () => {
    execFileSync(process.execPath, [join(packageRoot, 'scripts/build.js')]);
    folder = mkdtempSync(join(tmpdir(), 'tollgate-tour-'));
    chmodSync(folder, 0o755);
    // where the reader's working copy would be
    for (const name of ['dist', 'node_modules', 'config', 'policies']) symlinkSync(join(packageRoot, name), join(folder, name));
    const { TOLLGATE_DATA_DIR: _dir, TOLLGATE_URL: _url, TOLLGATE_TOKEN: _token, ...inherited } = process.env;
    const given = (start?.command.text ?? '')
      .replace(/^npm start --/, '')
      .trim()
      .split(' ');
    house = spawn(process.execPath, ['dist/cli/main.js', 'start', ...given], { cwd: folder, env: { ...inherited, TOLLGATE_PORT: '0' } });
    const houseOutput = listen(house);
    startOutput = `${await houseOutput.take('first scan   completed')}first scan   completed${await houseOutput.take('\n')}\n`;
    shell = spawn('bash', ['--noprofile', '--norc'], { cwd: folder, env: inherited });
    shellOutput = listen(shell);
  }, 300_000);

  afterAll(async () => {
    shell?.kill();
    house?.kill('SIGTERM');
    if (house?.exitCode === null) await new Promise((resolve) => house.once('exit', resolve));
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  const url = () => runningOn(join(folder, '.tollgate'))?.url ?? '';
  const inPlace = (text: string) => text.replaceAll(ADDRESS, url());

  test('it starts with what the page shows', () => {
    expect(start?.command.text).toMatch(/^npm start /);
    expect(startOutput).toMatch(outputPattern(inPlace(start?.output ?? '')));
  });

  test.each(steps)('$title', async ({ command, output }) => {
    // each step builds on those before it
    expect(failed, 'an earlier step failed').toBe(false);
    failed = true;
    shell.stdin?.write(`{\n${inPlace(command.text)}\n} 2>&1\necho '${END}'\n`);
    const printed = await shellOutput.take(`${END}\n`);
    // curl ends its output without a new line
    if (output !== null) expect(printed.endsWith('\n') ? printed : `${printed}\n`).toMatch(outputPattern(inPlace(output)));
    failed = false;
  });
});
