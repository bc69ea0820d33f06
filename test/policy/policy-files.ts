import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TextFile {
  readonly file: string;
  readonly text: string;
}

/** The files of a folder whose name ends so, in the order of their names. */
export function readFolder(folder: string, ending: string): readonly TextFile[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(ending));
  return names.sort().map((name) => ({ file: join(folder, name), text: readFileSync(join(folder, name), 'utf8') }));
}
