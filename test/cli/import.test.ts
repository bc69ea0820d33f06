/** `tollgate import focus`, against a real server on a real database. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CliContext } from '../../src/cli/context.js';
import { createProgram } from '../../src/cli/program.js';
import { packageRoot } from '../../src/package-root.js';
import { createWorld, type World } from '../api/world.js';
import { billOf } from '../store/focus-file.js';
import { silentContext } from './context.js';

let world: World;
let folder: string;
beforeAll(async () => {
  world = await createWorld({ worker: false });
  folder = mkdtempSync(join(tmpdir(), 'tollgate-import-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await world.close();
});

async function run(args: readonly string[], given: Partial<CliContext> = {}) {
  const context = silentContext({ defaultServer: world.url, findToken: () => world.tokens.operator, ...given });
  const error = await createProgram(context, '0.0.0')
    .parseAsync(['node', 'tollgate', 'import', 'focus', ...args])
    .then(
      () => '',
      (reason: unknown) => (reason instanceof Error ? reason.message : String(reason)),
    );
  return { stdout: context.stdout(), stderr: context.stderr(), error };
}

function fileOf(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

describe('tollgate import focus', () => {
  test('imports the bill that comes with the program, and says what it counted', async () => {
    const { stdout, stderr, error } = await run([join(packageRoot, 'data/focus/focus-1.0-sample-1000.csv')]);
    expect({ error, stderr }).toEqual({ error: '', stderr: '' });
    expect(stdout).toMatch(/^status {3}completed$/m);
    expect(stdout).toMatch(/^rows {5}1000$/m);
    expect(stdout).toMatch(/^cost {5}14\.98 USD \(EffectiveCost\)$/m);
  });

  test('prints the import as JSON, and says what was replaced', async () => {
    const file = fileOf('bill.csv.gz', gzipSync(billOf({}, { BilledCost: '-3' })));
    await run([file]);
    const { stdout } = await run([file, '--cost', 'BilledCost', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ file_name: 'bill.csv.gz', cost: '-1', billing_periods: [{ rows: 2, replaced_rows: 2 }] });
    expect((await run([file])).stdout).toContain('payer-1 from 2026-09-01: 2 rows, in place of 2');
  });

  test('shows on a terminal how far it is, and nothing in a pipe', async () => {
    const file = fileOf('long.csv', billOf(...Array.from({ length: 2_000 }, () => ({}))));
    expect((await run([file], { isTerminal: true })).stderr).toMatch(/importing: 0\.1 of 0\.\d MB sent, \d+ %/);
    expect((await run([file])).stderr).toBe('');
  });

  test('tells every reason of a refusal, with its line', async () => {
    const { error, stdout } = await run([fileOf('bad.csv', billOf({}, { EffectiveCost: 'x' }, { ChargePeriodStart: 'today' }))]);
    expect(stdout).toBe('');
    expect(error.split('\n')).toEqual([
      expect.stringMatching(/^2 rows of 3 cannot be imported, so nothing of the file is \(`imp_.*`\)$/),
      '  line 3 EffectiveCost: expected a number, got `x`',
      '  line 4 ChargePeriodStart: expected a time, got `today`',
    ]);
  });

  test.each([
    ['a small zip', 'small.zip', 100],
    ['a large zip', 'large.zip', 2_000_000],
  ])('calls %s a zip', async (_, name, size) => {
    const zip = Buffer.concat([Buffer.from('PK\u0003\u0004'), randomBytes(size)]);
    const { error } = await run([fileOf(name, zip)]);
    expect(error).toContain('this is a zip archive or a spreadsheet: send the CSV file in it');
  });

  test('says what is wrong with a file that it cannot read, and with a server that it cannot reach', async () => {
    expect((await run([join(folder, 'none.csv')])).error).toContain('there is no such file');
    expect((await run([folder])).error).toContain('is no file');
    expect((await run([fileOf('good.csv', billOf({}))], { defaultServer: 'http://127.0.0.1:1' })).error).toContain(
      'no Tollgate server answers',
    );
  });
});
