/** Where a text stops being JSON. Pure; runs only for a text that `JSON.parse` has refused, whose own message quotes the text. */

export interface SyntaxProblem {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** What is wrong there, without quoting the document. */
  readonly found: string;
}

const SPACE = /[ \t\n\r]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_PRINTABLE = 0x20;

type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'comma or end' | 'nothing';

const IN_WORDS: { readonly [E in Expected]: string } = {
  value: 'expected a value',
  'value or ]': 'expected a value or `]`',
  key: 'expected a key in double quotes',
  'key or }': 'expected a key in double quotes or `}`',
  colon: 'expected `:`',
  'comma or end': 'expected `,` or the end of the list or object',
  nothing: 'expected nothing after the document',
};

/** The first place of `text` at which no JSON can go on. */
export function findSyntaxError(text: string): SyntaxProblem {
  const state: State = { text, offset: 0, open: [], expected: 'value' };
  do state.offset = endOf(SPACE, text, state.offset) ?? state.offset;
  while (state.offset < text.length && takeOne(state));
  const { line, column } = placeOf(text, state.offset);
  const ended = state.offset >= text.length;
  return { line, column, found: ended ? `the document ends too early: ${IN_WORDS[state.expected]}` : IN_WORDS[state.expected] };
}

interface State {
  readonly text: string;
  offset: number;
  /** The brackets that are open, as the characters that close them. */
  readonly open: (']' | '}')[];
  expected: Expected;
}

/** Takes one token; false where none fits. */
function takeOne(state: State): boolean {
  const char = state.text[state.offset] ?? '';
  switch (state.expected) {
    case 'value':
      return takeValue(state, char);
    case 'value or ]':
      return char === ']' ? close(state) : takeValue(state, char);
    case 'key':
      return takeString(state, 'colon');
    case 'key or }':
      return char === '}' ? close(state) : takeString(state, 'colon');
    case 'colon':
      return char === ':' && step(state, 'value');
    case 'comma or end':
      if (char === state.open.at(-1)) return close(state);
      return char === ',' && step(state, state.open.at(-1) === '}' ? 'key' : 'value');
    case 'nothing':
      return false;
    default:
      return state.expected satisfies never;
  }
}

function takeValue(state: State, char: string): boolean {
  if (char === '{') {
    state.open.push('}');
    return step(state, 'key or }');
  }
  if (char === '[') {
    state.open.push(']');
    return step(state, 'value or ]');
  }
  return char === '"' ? takeString(state, afterValue(state)) : takeTo(state, endOf(SCALAR, state.text, state.offset), afterValue(state));
}

function afterValue({ open }: State): Expected {
  return open.length === 0 ? 'nothing' : 'comma or end';
}

function close(state: State): true {
  state.open.pop();
  return step(state, afterValue(state));
}

function step(state: State, expected: Expected): true {
  state.offset += 1;
  state.expected = expected;
  return true;
}

function takeString(state: State, next: Expected): boolean {
  return takeTo(state, endOfString(state.text, state.offset), next);
}

function takeTo(state: State, end: number | undefined, next: Expected): boolean {
  if (end === undefined) return false;
  state.offset = end;
  state.expected = next;
  return true;
}

/** By hand: a pattern with a repeated choice runs out of stack on a text of megabytes. */
function endOfString(text: string, start: number): number | undefined {
  if (text[start] !== '"') return undefined;
  for (let offset = start + 1; offset < text.length; offset += 1) {
    const code = text.charCodeAt(offset);
    if (code === QUOTE) return offset + 1;
    if (code < FIRST_PRINTABLE) return undefined;
    if (code !== BACKSLASH) continue;
    const end = endOf(ESCAPE, text, offset);
    if (end === undefined) return undefined;
    offset = end - 1;
  }
  return undefined;
}

/** Where a token that starts at `offset` ends. */
function endOf(token: RegExp, text: string, offset: number): number | undefined {
  token.lastIndex = offset;
  return token.test(text) ? token.lastIndex : undefined;
}

function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}
