/** One line of a benchmark: what was measured, and how it stands beside what it is compared with, in the same run. */
export interface Figure {
  readonly name: string;
  readonly value: string;
  /** Ratio to the line it is compared with; ratios travel between machines, figures do not. */
  readonly ratio?: string;
}

export function printFigures(title: string, figures: readonly Figure[]): void {
  const width = Math.max(...figures.map(({ name }) => name.length));
  process.stdout.write(`\n${title}\n`);
  for (const { name, value, ratio } of figures)
    process.stdout.write(`  ${name.padEnd(width)}  ${value.padStart(24)}${ratio === undefined ? '' : `   ${ratio}`}\n`);
}

export function perSecond(count: number, ms: number): number {
  return Math.round((count * 1_000) / ms);
}

export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
