import { describeError } from '../errors.js';
import { CliError } from './context.js';

/** What to tell of a path that is given and cannot be read. @param wanted what would have been read */
export function cannotRead(path: string, error: unknown, wanted = 'file'): CliError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const reason = code === 'ENOENT' ? `there is no such ${wanted}` : code === 'EISDIR' ? 'it is a folder' : describeError(error);
  return new CliError(`cannot read \`${path}\`: ${reason}`);
}
