import { InvalidArgumentError } from 'commander';
import { FORMATS, type Format } from './formats.js';

/** `FORMAT=FILE`: the same answer, written to a file too. */
export interface ReportFile {
  readonly format: Format;
  readonly file: string;
}

/** For an option that may be given several times. @throws InvalidArgumentError in words for the command line */
export function collectReportFile(value: string, previous: readonly ReportFile[] = []): readonly ReportFile[] {
  const [, word, file] = /^([^=]*)=(.+)$/s.exec(value) ?? [];
  const format = FORMATS.find((each) => each === word);
  if (format === undefined || file === undefined) {
    throw new InvalidArgumentError(`Expected FORMAT=FILE with a format of ${FORMATS.join(', ')}.`);
  }
  return [...previous, { format, file }];
}
