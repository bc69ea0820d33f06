/** Shows by an example what text a pattern wants. Knows the common parts of RE2 syntax and gives up on the rest; the caller checks the result. */

/** What `\d`, `\w`, `\s` and the dot stand for in an example. */
const ESCAPES: Readonly<Record<string, string>> = {
  d: '0',
  w: 'a',
  s: ' ',
  D: 'a',
  W: '-',
  S: 'a',
  t: '\t',
  n: '\n',
  b: '',
  B: '',
  A: '',
  z: '',
};
const MAX_REPEATS = 256;

class GaveUp extends Error {}

/** Reads a pattern from left to right and writes the shortest text that each part takes. */
class ExampleReader {
  private position = 0;
  private readonly pattern: string;

  constructor(pattern: string) {
    this.pattern = pattern;
  }

  read(): string {
    const example = this.readAlternatives();
    if (this.position < this.pattern.length) throw new GaveUp();
    return example;
  }

  private peek(): string | undefined {
    return this.pattern[this.position];
  }

  private take(text: string): boolean {
    const found = this.pattern.startsWith(text, this.position);
    if (found) this.position += text.length;
    return found;
  }

  /** The first alternative; the others are read over. */
  private readAlternatives(): string {
    const first = this.readSequence();
    while (this.take('|')) this.readSequence();
    return first;
  }

  private readSequence(): string {
    let example = '';
    for (let next = this.peek(); next !== undefined && next !== '|' && next !== ')'; next = this.peek()) {
      const atom = this.readAtom();
      example += atom.repeat(this.readCount());
    }
    return example;
  }

  private readAtom(): string {
    if (this.take('^') || this.take('$')) return '';
    if (this.take('(')) return this.readGroup();
    if (this.take('[')) return this.readClass();
    if (this.take('\\')) return this.readEscape();
    if (this.take('.')) return 'x';
    const literal = this.peek() ?? '';
    this.position++;
    return literal;
  }

  private readGroup(): string {
    const head = /^\?(?::|P?<\w+>)/.exec(this.pattern.slice(this.position));
    if (head === null && this.peek() === '?') throw new GaveUp();
    this.position += head?.[0].length ?? 0;
    const example = this.readAlternatives();
    if (!this.take(')')) throw new GaveUp();
    return example;
  }

  private readEscape(): string {
    const letter = this.peek() ?? '';
    this.position++;
    if (letter in ESCAPES) return ESCAPES[letter] ?? '';
    if (/\w/.test(letter)) throw new GaveUp();
    return letter;
  }

  /** The first character that a class names; of a negated one, the first usual character that it does not. */
  private readClass(): string {
    const negated = this.take('^');
    const start = this.position;
    let first: string | undefined;
    while (this.peek() !== ']' || this.position === start) {
      if (this.peek() === undefined || this.pattern.startsWith('[:', this.position)) throw new GaveUp();
      const member = this.take('\\') ? this.readEscape() : this.readAtomOfClass();
      first ??= member;
    }
    const members = this.pattern.slice(start, this.position);
    this.position++;
    return negated ? (['a', '0', '-', 'x', '_', '.', ' '].find((candidate) => !members.includes(candidate)) ?? 'a') : (first ?? '');
  }

  private readAtomOfClass(): string {
    const character = this.peek() ?? '';
    this.position++;
    return character;
  }

  /** The fewest repeats allowed, but one where a part is only optional by `*`. */
  private readCount(): number {
    const bounds = /^\{(\d+)(,\d*)?\}/.exec(this.pattern.slice(this.position));
    const count = bounds === null ? this.readSign() : Math.min(Number(bounds[1]), MAX_REPEATS);
    this.position += bounds?.[0].length ?? 0;
    this.take('?');
    return count;
  }

  private readSign(): number {
    if (this.take('?') || this.take('*')) return 0;
    this.take('+');
    return 1;
  }
}

/** The shortest usual text that `pattern` may match, or undefined when it uses what is not known here. */
export function exampleOfPattern(pattern: string): string | undefined {
  try {
    return new ExampleReader(pattern).read();
  } catch (error) {
    if (error instanceof GaveUp) return undefined;
    throw error;
  }
}
