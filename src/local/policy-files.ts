import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { TollgateError } from '../errors.js';
import { type PolicyDocument, parsePolicyFiles } from '../policy/parse.js';

/**
 * The documents of all policy files below `directory`; `*.test.yaml` beside them are tests.
 * @throws invalid-policy with every problem of every file
 */
export function readPolicyFiles(directory: string): readonly PolicyDocument[] {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter(
    (name) => /\.ya?ml$/.test(name) && !/\.test\.ya?ml$/.test(name),
  );
  const files = names
    .sort()
    .map((name) => ({ file: relative(process.cwd(), join(directory, name)), text: readFileSync(join(directory, name), 'utf8') }));
  const { documents, issues } = parsePolicyFiles(files);
  if (issues.length > 0) {
    const problems = issues.map(({ file, line, column, path, message }) => ({
      path: [file, line, column].filter((part) => part !== null).join(':'),
      message: path === '' ? message : `${path}: ${message}`,
    }));
    throw new TollgateError('invalid-policy', `the policy files in \`${directory}\` are not valid`, { problems });
  }
  return documents;
}
