/** Problems found while parsing, and how they are told. */

/** One problem. `file`, `line` and `column` (from 1) are null for content that came without a file. */
export interface Issue {
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
  /** `spec.rules[0].constraint.maxVCPUs`; empty for the whole document. */
  readonly path: string;
  readonly message: string;
}

export type Path = readonly (string | number)[];

/** `spec.rules[0].constraint`; a key that is no plain word is quoted: `tags["cost center"]`. */
export function formatPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (!/^[\w-]+$/.test(step)) text += `[${JSON.stringify(step)}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** `policies/limits.yaml:14:9 spec.rules[0].constraint.maxVCPU: unknown key, did you mean maxVCPUs?` */
export function formatIssue(issue: Issue): string {
  const place = [issue.file, issue.line, issue.column].filter((part) => part !== null).join(':');
  const path = issue.path === '' ? '' : `${issue.path}:`;
  return [place, path, issue.message].filter((part) => part !== '').join(' ');
}

const SNIPPET_WIDTH = 120;

/** The line of `text` that an issue is on, with a mark under its column; empty for one without a place. Long lines are cut around it. */
export function formatSnippet(text: string, { line, column }: Issue): string {
  const whole = line === null ? undefined : text.split('\n')[line - 1];
  if (line === null || column === null || whole === undefined) return '';
  const from = Math.max(0, column - 1 - SNIPPET_WIDTH / 2);
  const shown = whole.slice(from, from + SNIPPET_WIDTH).trimEnd();
  const gutter = `${line} | `;
  const before = shown.slice(0, column - 1 - from).replace(/[^\t]/g, ' ');
  return `${gutter}${shown}\n${' '.repeat(gutter.length - 2)}| ${before}^`;
}

/** In the order of the text of one file. */
export function sortIssues(issues: readonly Issue[]): readonly Issue[] {
  return [...issues].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

/** Nobody mends more at once. */
const MOST_TOLD = 1_000;

/** The first of one file's problems in the order of its text, and how many more there are. */
export function tellIssues(issues: readonly Issue[]): readonly Issue[] {
  const sorted = sortIssues(issues);
  const next = sorted[MOST_TOLD];
  if (next === undefined) return sorted;
  return [...sorted.slice(0, MOST_TOLD), { ...next, path: '', message: `and ${sorted.length - MOST_TOLD} more problems` }];
}

/** Insertions, deletions, replacements and swaps of neighbours that make `a` into `b`. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** The known word that a typo most likely meant, or undefined when none is near: at most a third of its letters may differ. */
export function nearestWord(word: string, known: readonly string[]): string | undefined {
  if (word.length > 64) return undefined;
  let best: string | undefined;
  let least = Infinity;
  for (const candidate of known) {
    const allowed = Math.max(1, Math.floor(Math.max(word.length, candidate.length) / 3));
    if (Math.abs(word.length - candidate.length) > allowed) continue;
    const steps = distance(word.toLowerCase(), candidate.toLowerCase());
    if (steps <= allowed && steps < least) {
      best = candidate;
      least = steps;
    }
  }
  return best;
}

/** What was expected, and what was given; a question shows the given value itself, before what it asks. */
export function withGiven(message: string, given: unknown): string {
  return message.endsWith('?') ? message : `${message}, got ${showValue(given)}`;
}

/** A given value as an error message shows it, cut where it is long; collections by their kind only. */
export function showValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  if (value === Infinity || value === -Infinity) return 'a number that is too large';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return `\`${text.length > 60 ? `${text.slice(0, 57)}…` : text}\``;
}
