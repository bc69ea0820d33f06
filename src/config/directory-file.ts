import { z } from 'zod';
import type { Problem } from '../errors.js';
import type { Directory } from '../policy/directory.js';
import { type Parsed, parseYamlFile } from './yaml-file.js';

const name = z.string().min(1);
const source = z.string().regex(/^tag:.+$/, 'expected a source such as `tag:owner`');

const directoryFile = z.strictObject({
  people: z.array(z.strictObject({ id: name, manager: name.optional(), teams: z.array(name).default([]) })).default([]),
  groups: z.record(name, z.array(name)).default({}),
  owners: z
    .strictObject({
      team: z.array(source).default(['tag:cost-center', 'tag:team']),
      owner: z.array(source).default(['tag:owner']),
      fallback: z.array(name).default([]),
    })
    .prefault({}),
});

/** Reads `config/directory.yaml`. A person given twice, a manager who is nobody, and a fallback group that does not exist are problems. */
export function parseDirectory(file: string): Parsed<Directory> {
  const parsed = parseYamlFile(file, directoryFile);
  if ('problems' in parsed) return parsed;
  const { people, groups, owners } = parsed.value;
  const problems = [...duplicates(file, people), ...strangers(file, people), ...missingGroups(file, groups, owners.fallback)];
  if (problems.length > 0) return { problems };
  return {
    value: {
      people: people.map(({ id, manager, teams }) => ({ id, teams, ...(manager === undefined ? {} : { manager }) })),
      groups,
      owners,
    },
  };
}

type Person = z.output<typeof directoryFile>['people'][number];

function duplicates(file: string, people: readonly Person[]): Problem[] {
  const seen = new Set<string>();
  return people.flatMap(({ id }, index) => {
    if (seen.has(id)) return [{ path: `${file}: people[${index}].id`, message: `\`${id}\` is given twice` }];
    seen.add(id);
    return [];
  });
}

function strangers(file: string, people: readonly Person[]): Problem[] {
  const ids = new Set(people.map(({ id }) => id));
  return people.flatMap(({ manager }, index) =>
    manager === undefined || ids.has(manager)
      ? []
      : [{ path: `${file}: people[${index}].manager`, message: `\`${manager}\` is not among the people` }],
  );
}

function missingGroups(file: string, groups: Readonly<Record<string, unknown>>, fallback: readonly string[]): Problem[] {
  return fallback.flatMap((group, index) =>
    group in groups ? [] : [{ path: `${file}: owners.fallback[${index}]`, message: `there is no group \`${group}\`` }],
  );
}
