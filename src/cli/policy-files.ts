import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PolicyFile } from '../policy/parse.js';
import { cannotRead } from './cannot-read.js';

const YAML = /\.ya?ml$/;
const TEST = /\.test\.ya?ml$/;

/** The policy files that `paths` name, those of a directory in order of their names; test files are left out, also those that a shell's `*.yaml` names. */
export async function readPolicyTexts(paths: readonly string[]): Promise<readonly PolicyFile[]> {
  const named = paths.filter((path) => !TEST.test(path));
  return readTexts(named, (name) => YAML.test(name) && !TEST.test(name));
}

/** The policy test files that `paths` name. */
export async function readTestTexts(paths: readonly string[]): Promise<readonly PolicyFile[]> {
  return readTexts(paths, (name) => TEST.test(name));
}

/** The policy file that a test file lies beside: `limits.test.yaml` tests `limits.yaml`. */
export function policyFileOf(testFile: string): string {
  return testFile.replace(/\.test(\.ya?ml)$/, '$1');
}

async function readTexts(paths: readonly string[], wanted: (name: string) => boolean): Promise<readonly PolicyFile[]> {
  const files = (await Promise.all(paths.map((path) => filesOf(path, wanted)))).flat();
  return Promise.all(files.map(async (file) => ({ file, text: await readText(file) })));
}

async function filesOf(path: string, wanted: (name: string) => boolean): Promise<readonly string[]> {
  const found = await stat(path).catch((error: unknown) => {
    throw cannotRead(path, error, 'file or folder');
  });
  if (!found.isDirectory()) return [path];
  const names = await readdir(path, { recursive: true });
  return names
    .filter(wanted)
    .sort()
    .map((name) => join(path, name));
}

export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw cannotRead(file, error);
  }
}
