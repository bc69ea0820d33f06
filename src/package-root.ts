import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findPackageRoot(from: string): string {
  if (existsSync(join(from, 'package.json'))) return from;
  const parent = dirname(from);
  if (parent === from) throw new Error('no package.json above the program');
  return findPackageRoot(parent);
}

/** Folder of the nearest `package.json` above this file: the same from `src/` and from the compiled `dist/`. Data, policies and config lie in it. */
export const packageRoot = findPackageRoot(dirname(fileURLToPath(import.meta.url)));
