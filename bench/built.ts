import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../src/package-root.js';

/** A module as it was built and runs in production: what tsx compiles gives each function a name as it is made, which costs the core a third of its speed. */
export async function built(path: string): Promise<unknown> {
  return import(pathToFileURL(join(packageRoot, 'dist', path)).href);
}
