/** What a plan would do to each of its resources. Pure. */
import { type Problem, TollgateError } from '../../errors.js';
import { isKeys, type Keys, listOf, textOf } from '../loose.js';

/** What becomes of a resource; only the first three are asked about. */
export type Fate = 'created' | 'updated' | 'replaced' | 'unchanged' | 'deleted' | 'forgotten' | 'deposed' | 'read';

export interface PlannedChange {
  readonly fate: Fate;
  readonly address: string;
  /** Address of its module with indices; empty for the root. */
  readonly moduleAddress: string;
  readonly type: string;
  readonly name: string;
  /** Of `count` or `for_each`. */
  readonly index: string | number | null;
  readonly providerName: string;
  readonly change: Keys;
}

const PROBLEMS_TOLD = 20;

/**
 * @param changes `resource_changes` of a plan; none at all is a plan without changes
 * @throws invalid-input that names each entry which is no change, by its place and without its contents
 */
export function readChanges(changes: unknown): readonly PlannedChange[] {
  if (changes === undefined || changes === null) return [];
  if (!Array.isArray(changes)) throw refused([{ path: 'resource_changes', message: 'expected a list' }]);
  const problems: Problem[] = [];
  const read = (changes as readonly unknown[]).flatMap((entry, index) => {
    const change = readChange(entry);
    if (typeof change !== 'string') return [change];
    if (problems.length < PROBLEMS_TOLD)
      problems.push({ path: `resource_changes[${index}]${change}`, message: 'not as Terraform writes it' });
    return [];
  });
  if (problems.length > 0) throw refused(problems);
  return read;
}

const LONGEST_ADDRESS = 2_000;

/** Or the path of what is not as it should be. */
function readChange(entry: unknown): PlannedChange | string {
  if (!isKeys(entry)) return '';
  const address = textOf(entry['address']);
  const type = textOf(entry['type']);
  if (address === undefined || address.length > LONGEST_ADDRESS) return '.address';
  if (type === undefined || !/^[a-z][\w-]{0,99}$/i.test(type)) return '.type';
  if (!isKeys(entry['change'])) return '.change';
  const fate = fateOf(entry, listOf(entry['change']['actions']));
  if (fate === undefined) return '.change.actions';
  const { index } = entry;
  return {
    fate,
    address,
    moduleAddress: textOf(entry['module_address']) ?? '',
    type,
    name: textOf(entry['name']) ?? '',
    index: typeof index === 'string' || typeof index === 'number' ? index : null,
    providerName: textOf(entry['provider_name']) ?? '',
    change: entry['change'],
  };
}

const FATES: Readonly<Record<string, Fate>> = {
  create: 'created',
  update: 'updated',
  'delete,create': 'replaced',
  'create,delete': 'replaced',
  'create,forget': 'replaced',
  'forget,create': 'replaced',
  'no-op': 'unchanged',
  delete: 'deleted',
  forget: 'forgotten',
  read: 'read',
};

function fateOf(entry: Keys, actions: readonly unknown[]): Fate | undefined {
  const word = actions.join(',');
  const fate = Object.hasOwn(FATES, word) ? FATES[word] : undefined;
  if (fate === undefined) return undefined;
  if (entry['mode'] === 'data') return 'read';
  return textOf(entry['deposed']) === undefined ? fate : 'deposed';
}

function refused(problems: readonly Problem[]): TollgateError {
  const count = `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`;
  return new TollgateError('invalid-input', `${count} in the plan`, { problems });
}

const SAID: readonly (readonly [Fate, string, string])[] = [
  ['unchanged', 'unchanged', 'unchanged'],
  ['deleted', 'deleted', 'deleted'],
  ['forgotten', 'forgotten', 'forgotten'],
  ['deposed', 'deposed object', 'deposed objects'],
  ['read', 'data source', 'data sources'],
];

/** `not judged: 13 unchanged, 2 deleted`; none when everything is. */
export function describeLeftOut(changes: readonly PlannedChange[]): readonly string[] {
  const counts = SAID.flatMap(([fate, singular, plural]) => {
    const count = changes.filter((change) => change.fate === fate).length;
    return count === 0 ? [] : [`${count} ${count === 1 ? singular : plural}`];
  });
  return counts.length === 0 ? [] : [`not judged: ${counts.join(', ')}`];
}
