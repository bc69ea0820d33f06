/** People, managers and groups, and where a resource's owner and team are found. Pure; `config.ts` reads the file. */
export interface Person {
  readonly id: string;
  readonly manager?: string;
  readonly teams: readonly string[];
}

export interface Directory {
  readonly people: readonly Person[];
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly owners: {
    /** `tag:<key>` sources, first match wins. */
    readonly team: readonly string[];
    readonly owner: readonly string[];
    /** Groups that answer for what has no owner. */
    readonly fallback: readonly string[];
  };
}

type Tags = Readonly<Record<string, string>>;

function firstTag(sources: readonly string[], tags: Tags): string | null {
  for (const source of sources) {
    const key = source.startsWith('tag:') ? source.slice(4) : source;
    const value = tags[key];
    if (value !== undefined && value !== '') return value;
  }
  return null;
}

/** The team a resource counts under, `untagged` when none of the sources gives one. */
export function teamOf(directory: Directory, tags: Tags): string {
  return firstTag(directory.owners.team, tags) ?? 'untagged';
}

/** The resource's own owner, or null; `recipientsOf` says who is told then. */
export function ownerOf(directory: Directory, tags: Tags): string | null {
  return firstTag(directory.owners.owner, tags);
}

export function membersOf(directory: Directory, group: string): readonly string[] {
  return Object.hasOwn(directory.groups, group) ? (directory.groups[group] ?? []) : [];
}

/** Who gets the notices of a violation: the owner, else the team's people, else the fallback groups. Never empty while a fallback has members. */
export function recipientsOf(directory: Directory, team: string, owner: string | null): readonly string[] {
  if (owner !== null) return [owner];
  const people = directory.people.filter((person) => person.teams.includes(team)).map((person) => person.id);
  if (people.length > 0) return people;
  return [...new Set(directory.owners.fallback.flatMap((group) => [...membersOf(directory, group)]))];
}

/** The first team of a person, undefined of somebody unknown. */
export function teamOfPerson(directory: Directory, id: string): string | undefined {
  return directory.people.find((person) => person.id === id)?.teams[0];
}

export function managerOf(directory: Directory, id: string): string | null {
  return directory.people.find((person) => person.id === id)?.manager ?? null;
}
