import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The servers that the pid files of a data directory name, whether they live or not. */
export function leftProcesses(dataDir: string): { readonly name: string; readonly pid: number }[] {
  const found = [
    {
      name: 'PostgreSQL',
      pid: firstNumber(join(dataDir, 'postgres/postmaster.pid')) ?? firstNumber(join(dataDir, 'postgres/data/postmaster.pid')),
    },
    { name: 'Temporal', pid: firstNumber(join(dataDir, 'temporal.pid')) },
  ];
  return found.flatMap(({ name, pid }) => (pid === undefined ? [] : [{ name, pid }]));
}

function firstNumber(file: string): number | undefined {
  try {
    return Number(/\d+/.exec(readFileSync(file, 'utf8'))?.[0]);
  } catch {
    return undefined;
  }
}
