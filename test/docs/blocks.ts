/** The fenced blocks of the documentation, for the tests that run or check them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';

export interface Block {
  readonly file: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

/** README and every page of `docs`, but for the decisions, which describe a moment. */
export const DOCUMENTS: readonly string[] = [
  'README.md',
  ...readdirSync(join(packageRoot, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

export function readDocument(file: string): string {
  return readFileSync(join(packageRoot, file), 'utf8');
}

export function blocksOf(file: string): readonly Block[] {
  const blocks: Block[] = [];
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of readDocument(file).split('\n').entries()) {
    const fence = /^```(\S*)/.exec(line);
    if (fence === null) open?.lines.push(line);
    else if (open === undefined) open = { language: fence[1] ?? '', line: index + 1, lines: [] };
    else {
      blocks.push({ file, line: open.line, language: open.language, text: open.lines.join('\n') });
      open = undefined;
    }
  }
  return blocks;
}

/** An output in which `…` is anything on its line, a line of `…` any lines, and a run of spaces any run of them. */
export function outputPattern(expected: string): RegExp {
  const lines = expected.split('\n').map((line) => {
    if (line.trim() === '…') return '(?:.*\\n)*?';
    const words = line.trimEnd().replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    return `${words.replace(/ {2,}/g, ' +').replaceAll('…', '.*')} *\\n`;
  });
  return new RegExp(`^${lines.join('')}$`);
}
