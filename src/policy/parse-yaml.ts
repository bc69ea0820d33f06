/** YAML text to plain values, with the place of every key and value, so that each problem can be pointed at. */
import { constructFromEvents, EVENT_ID, type Event, getScalarValue, parseEvents, YAMLException } from 'js-yaml';
import type { Issue, Path } from './issue.js';
import { formatPath } from './issue.js';

/** Aliases are for a few repeated lines; many of them, or aliases within what is aliased, blow a document up. */
const MAX_ALIASES = 100;
const MAX_CHARACTERS = 1_000_000;
export const MAX_DOCUMENTS = 1_000;

/** Offsets of one value, and of the key it stands under. */
interface Place {
  readonly key: number;
  readonly value: number;
  readonly children: Map<string | number, Place>;
}

/** One document of a file. */
export interface YamlDocument {
  readonly content: unknown;
  /** Makes an issue at a path; where the path is not in the text, at the nearest that contains it. */
  readonly issueAt: (path: Path, at: 'key' | 'value', message: string) => Issue;
}

export interface YamlFile {
  readonly documents: readonly YamlDocument[];
  /** Where keys are given twice: the documents as they are with the first value of each, in place of the last. */
  readonly earlier: readonly YamlDocument[];
  readonly issues: readonly Issue[];
}

/** Offset to line and column, both from 1. */
function createLocator(text: string): (offset: number) => { readonly line: number; readonly column: number } {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    const line = lastAtMost(starts, offset);
    return { line: line + 1, column: offset - (starts[line] ?? 0) + 1 };
  };
}

/** Index of the last of the ascending `starts` that is at most `offset`; 0 when none is. */
function lastAtMost(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

interface Problem {
  readonly path: Path;
  readonly offset: number;
  readonly message: string;
}

/** Reads the events of a file once, in order, keeping the place of everything. */
class PlaceReader {
  readonly problems: Problem[] = [];
  /** Places in `events` of keys that an earlier one has already, with their values. */
  readonly repeated: { readonly from: number; readonly to: number }[] = [];
  hasNestedAlias = false;
  private position = 0;
  private anchorDepth = 0;
  private readonly events: readonly Event[];
  private readonly text: string;

  constructor(events: readonly Event[], text: string) {
    this.events = events;
    this.text = text;
  }

  /** The place of each document's root, undefined for an empty document. */
  readDocuments(): readonly (Place | undefined)[] {
    const documents: (Place | undefined)[] = [];
    while (this.position < this.events.length) {
      this.position++;
      documents.push(this.isPop() ? undefined : this.readValue([], 0));
      this.position++;
    }
    return documents;
  }

  private isPop(): boolean {
    return this.events[this.position]?.type === EVENT_ID.POP;
  }

  private readValue(path: Path, key: number): Place {
    const event = this.events[this.position++];
    const children = new Map<string | number, Place>();
    if (event === undefined || event.type === EVENT_ID.POP || event.type === EVENT_ID.DOCUMENT) return { key, value: key, children };
    if (event.type === EVENT_ID.SCALAR) return { key, value: event.valueStart === -1 ? key : event.valueStart, children };
    if (event.type === EVENT_ID.ALIAS) {
      if (this.anchorDepth > 0) this.refuseNestedAlias(path, event.anchorStart);
      return { key, value: event.anchorStart, children };
    }
    if (event.anchorStart !== -1) this.anchorDepth++;
    if (event.type === EVENT_ID.SEQUENCE) this.readItems(path, children);
    else this.readMembers(path, children);
    if (event.anchorStart !== -1) this.anchorDepth--;
    return { key, value: event.start, children };
  }

  /** The first stands for all: nothing of such a file is read. */
  private refuseNestedAlias(path: Path, offset: number): void {
    if (!this.hasNestedAlias) this.problems.push({ path, offset, message: 'an alias within what is itself aliased is not supported' });
    this.hasNestedAlias = true;
  }

  private readItems(path: Path, children: Map<string | number, Place>): void {
    for (let index = 0; !this.isPop(); index++) {
      children.set(index, this.readValue([...path, index], this.startOfNext()));
    }
    this.position++;
  }

  private readMembers(path: Path, children: Map<string | number, Place>): void {
    while (!this.isPop()) {
      const offset = this.startOfNext();
      const from = this.position;
      const name = this.readKey(path, offset);
      const isRepeated = children.has(name);
      if (isRepeated) this.problems.push({ path: [...path, name], offset, message: 'duplicate key' });
      children.set(name, this.readValue([...path, name], offset));
      if (isRepeated) this.repeated.push({ from, to: this.position });
    }
    this.position++;
  }

  private readKey(path: Path, offset: number): string {
    const event = this.events[this.position];
    if (event?.type === EVENT_ID.SCALAR) {
      this.position++;
      return getScalarValue(this.text, event);
    }
    this.readValue(path, offset);
    this.problems.push({ path, offset, message: 'a key must be plain text' });
    return '';
  }

  private startOfNext(): number {
    const event = this.events[this.position];
    if (event?.type === EVENT_ID.SCALAR) return event.valueStart;
    if (event?.type === EVENT_ID.MAPPING || event?.type === EVENT_ID.SEQUENCE) return event.start;
    return event?.type === EVENT_ID.ALIAS ? event.anchorStart : 0;
  }
}

function offsetOf(root: Place | undefined, path: Path, at: 'key' | 'value'): number {
  let place = root;
  for (const step of path) {
    const next = place?.children.get(step);
    if (next === undefined) return place?.value ?? 0;
    place = next;
  }
  return (at === 'key' ? place?.key : place?.value) ?? 0;
}

/** Every document of the text. A text that is no YAML at all gives the one problem that the parser could not get past. */
export function readYaml(text: string, file: string | null): YamlFile {
  const locate = createLocator(text);
  const issueOf: IssueOf = ({ offset, path, message }) => ({ file, ...locate(offset), path: formatPath(path), message });
  const refused = (message: string, offset = 0): YamlFile => ({
    documents: [],
    earlier: [],
    issues: [issueOf({ offset, path: [], message })],
  });
  if (text.length > MAX_CHARACTERS) return refused(`too long, at most ${MAX_CHARACTERS} characters`);
  try {
    const events = parseEvents(text, {});
    const documentCount = events.filter(({ type }) => type === EVENT_ID.DOCUMENT).length;
    if (documentCount > MAX_DOCUMENTS) return refused(`too many documents, at most ${MAX_DOCUMENTS}`);
    const reader = new PlaceReader(events, text);
    const places = reader.readDocuments();
    const issues = reader.problems.map(issueOf);
    // Nested aliases can make a value that is endless, so nothing more is read of such a file.
    if (reader.hasNestedAlias) return { documents: [], earlier: [], issues };
    const documents = documentsOf(events, places, text, issueOf);
    return { documents, earlier: earlierOf(events, reader.repeated, text, issueOf), issues };
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    return refused(`not valid YAML: ${error.reason}`, error.mark?.position);
  }
}

type IssueOf = (problem: Problem) => Issue;

function documentsOf(events: Event[], places: readonly (Place | undefined)[], text: string, issueOf: IssueOf): YamlDocument[] {
  const contents = constructFromEvents(events, { source: text, json: true, maxAliases: MAX_ALIASES });
  return contents.flatMap((content, index) => {
    const root = places[index];
    if (content === null) return [];
    return [
      {
        content,
        issueAt: (path: Path, at: 'key' | 'value', message: string) => issueOf({ offset: offsetOf(root, path, at), path, message }),
      },
    ];
  });
}

/** None where what is left out has an anchor that something else is an alias of. */
function earlierOf(events: readonly Event[], repeated: PlaceReader['repeated'], text: string, issueOf: IssueOf): readonly YamlDocument[] {
  if (repeated.length === 0) return [];
  const isRepeated = new Set(repeated.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, index) => from + index)));
  const firsts = events.filter((_, index) => !isRepeated.has(index));
  try {
    return documentsOf(firsts, new PlaceReader(firsts, text).readDocuments(), text, issueOf);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    return [];
  }
}
