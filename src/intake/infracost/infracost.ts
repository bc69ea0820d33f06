/** Infracost documents (`breakdown` and `diff`, format 0.2) as resources with the costs that they give. Pure. */
import { TollgateError } from '../../errors.js';
import { canonicalJson } from '../../policy/canonical.js';
import type { Intake, Lookup } from '../intake.js';
import { looksLike, unexpectedDocument } from '../looks-like.js';
import { isKeys, type Keys, keysOf, listOf, textOf } from '../loose.js';
import { refuseTooMany } from '../most-resources.js';
import { withPrevious } from '../previous.js';
import { type ProjectFacts, resourcesOf } from './resource.js';

export interface InfracostOptions {
  readonly lookup: Lookup;
  readonly namespace: string | null;
  readonly account: string | null;
  readonly region: string | null;
  /** Of the installation. */
  readonly currency: string;
}

/** What versions that name no currency wrote in. */
const FIRST_CURRENCY = 'USD';

/**
 * What a document asks for: of a `breakdown` everything, of a `diff` what is new or changed. A resource that was there before carries what
 * it cost then.
 *
 * @throws invalid-input for another document, another major version, or another currency than the installation's
 */
export function readInfracost(document: unknown, options: InfracostOptions): Intake {
  const { currency, ...target } = options;
  if (!isKeys(document) || looksLike(document) !== 'infracost') throw unexpectedDocument('infracost', document);
  checkVersion(document);
  checkCurrency(document, currency);
  const metadata = keysOf(document['metadata']);
  const projects = listOf(document['projects']).filter(isKeys);
  const repository = textOf(metadata['vcsRepositoryUrl']) ?? null;
  const read = projects.map((project) =>
    readProject(project, {
      ...target,
      repository,
      prefix: projects.length > 1 ? `${projectName(project)}:` : '',
      changesOnly: metadata['infracostCommand'] === 'diff',
    }),
  );
  return {
    resources: read.flatMap(({ resources }) => resources),
    notices: [...unsupported(keysOf(document['summary'])), ...read.flatMap(({ notices }) => notices)],
  };
}

function checkVersion(document: Keys): void {
  const version = textOf(document['version']);
  if (version !== undefined && !/^0\.\d+/.test(version)) throw refused('version', `expected Infracost format 0.x, got \`${version}\``);
}

function checkCurrency(document: Keys, currency: string): void {
  const given = textOf(document['currency']) ?? FIRST_CURRENCY;
  if (given !== currency) throw refused('currency', `expected \`${currency}\`, the currency of this installation, got \`${given}\``);
}

function refused(path: string, message: string): TollgateError {
  return new TollgateError('invalid-input', message, { problems: [{ path, message }] });
}

interface ProjectContext extends ProjectFacts {
  readonly changesOnly: boolean;
}

function readProject(project: Keys, { changesOnly, ...facts }: ProjectContext): Intake {
  const past = new Map(entriesOf(project['pastBreakdown']).map((each) => [textOf(each['name']) ?? '', each]));
  const wanted = entriesOf(project['breakdown']).filter((each) => {
    const before = past.get(textOf(each['name']) ?? '');
    return !changesOnly || before === undefined || !isSame(before, each);
  });
  refuseTooMany(wanted.length, 'projects');
  return {
    resources: wanted.flatMap((each) => {
      const before = past.get(textOf(each['name']) ?? '');
      return withPrevious(resourcesOf(each, facts), before === undefined ? [] : resourcesOf(before, facts));
    }),
    notices: errorsOf(project),
  };
}

/** Priced resources and those that are free, which have tags to look at all the same. */
function entriesOf(breakdown: unknown): readonly Keys[] {
  const { resources, freeResources } = keysOf(breakdown);
  const free = listOf(freeResources).filter(isKeys);
  return [...listOf(resources).filter(isKeys), ...free.map((each) => ({ ...each, monthlyCost: each['monthlyCost'] ?? '0' }))];
}

/** `metadata` says where in the code it stands, which moves without a change. */
function isSame(before: Keys, after: Keys): boolean {
  const essence = ({ name, resourceType, tags, monthlyCost, costComponents, subresources }: Keys) =>
    canonicalJson({ name, resourceType, tags, monthlyCost, costComponents, subresources });
  return essence(before) === essence(after);
}

function projectName(project: Keys): string {
  return textOf(project['displayName']) ?? textOf(project['name']) ?? 'project';
}

/** A project that Infracost could not read whole is judged by what it read. */
function errorsOf(project: Keys): readonly string[] {
  const { errors, currentErrors } = keysOf(project['metadata']);
  const messages = [...listOf(errors), ...listOf(currentErrors)]
    .filter(isKeys)
    .filter(({ isError }) => isError !== false)
    .flatMap(({ message }) => textOf(message) ?? []);
  return messages.map((message) => `infracost read project \`${projectName(project)}\` in part: ${message.slice(0, 300)}`);
}

function unsupported({ unsupportedResourceCounts }: Keys): readonly string[] {
  const kinds = Object.entries(keysOf(unsupportedResourceCounts)).map(([type, count]) => `${String(count)} \`${type}\``);
  return kinds.length === 0 ? [] : [`not judged, since infracost does not know them: ${kinds.join(', ')}`];
}
