/** Values of a template before it is deployed: intrinsic functions as far as parameters' defaults and mappings go. Pure. */
import { isKeys, type Keys, keysOf, listOf, textOf } from '../loose.js';
import { UNKNOWN } from '../terraform/attributes.js';

export interface Scope {
  readonly parameters: Keys;
  readonly mappings: Keys;
  readonly region: string | null;
  readonly account: string | null;
}

/** The plain value; `UNKNOWN` stands in it where only the deployment tells. A value that is none (`AWS::NoValue`) is undefined. */
export function resolve(value: unknown, scope: Scope): unknown {
  if (typeof value === 'string') return isSecretOrLater(value) ? UNKNOWN : value;
  if (Array.isArray(value)) return value.map((item) => resolve(item, scope)).filter((item) => item !== undefined);
  if (!isKeys(value)) return value;
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first !== undefined && isIntrinsic(first[0])) return resolveIntrinsic(first[0], first[1], scope);
  return Object.fromEntries(entries.map(([key, item]) => [key, resolve(item, scope)]).filter(([, item]) => item !== undefined));
}

/** `{{resolve:ssm:…}}` is looked up at deployment; a change set marks what follows from it, and hides what is secret. */
export function isSecretOrLater(value: string): boolean {
  return value.includes('{{resolve:') || value.includes('{{changeSet:KNOWN_AFTER_APPLY}}') || value === '****' || value === '<SENSITIVE>';
}

function isIntrinsic(key: string): boolean {
  return key === 'Ref' || key === 'Condition' || key.startsWith('Fn::');
}

function resolveIntrinsic(name: string, argument: unknown, scope: Scope): unknown {
  switch (name) {
    case 'Ref':
      return refer(textOf(argument) ?? '', scope);
    case 'Fn::Sub':
      return substitute(argument, scope);
    case 'Fn::Join':
      return join(resolve(argument, scope));
    case 'Fn::Select':
      return select(resolve(argument, scope));
    case 'Fn::Split':
      return split(resolve(argument, scope));
    case 'Fn::FindInMap':
      return findInMap(resolve(argument, scope), scope);
    default:
      // conditions, attributes of what does not exist yet, imports, macros
      return UNKNOWN;
  }
}

/** Characters of what may stand in many places: CloudFormation takes no longer ones either, and a few long ones make very much. */
const LONGEST_REFERRED = 4_096;
/** Characters of what functions make; longer is no value that a policy looks at. */
const LONGEST_MADE = 100_000;

function isLong(value: unknown): boolean {
  return (typeof value === 'string' && value.length > LONGEST_REFERRED) || (Array.isArray(value) && value.length > LONGEST_REFERRED);
}

function refer(name: string, { parameters, region, account }: Scope): unknown {
  if (name === 'AWS::NoValue') return undefined;
  if (name === 'AWS::Region') return region ?? UNKNOWN;
  if (name === 'AWS::AccountId') return account ?? UNKNOWN;
  return Object.hasOwn(parameters, name) ? defaultOf(keysOf(parameters[name])) : UNKNOWN;
}

/** A parameter of the parameter store holds the name of a value; one with `NoEcho` is a secret. */
function defaultOf({ Type: type, NoEcho: noEcho, Default: value }: Keys): unknown {
  const kind = textOf(type) ?? 'String';
  if (value === undefined || value === null || String(noEcho) === 'true' || kind.startsWith('AWS::SSM::Parameter::Value')) return UNKNOWN;
  if (isLong(value) || (typeof value === 'string' && isSecretOrLater(value))) return UNKNOWN;
  const isListed = kind === 'CommaDelimitedList' || kind.startsWith('List<');
  return isListed && typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value;
}

function substitute(argument: unknown, scope: Scope): unknown {
  const [template, names] = Array.isArray(argument) ? (argument as readonly unknown[]) : [argument];
  if (typeof template !== 'string' || isSecretOrLater(template)) return UNKNOWN;
  // each once, however often the text names it
  const given = new Map(Object.entries(keysOf(names)).map(([name, value]) => [name, resolve(value, scope)]));
  let isKnown = true;
  let length = template.length;
  const text = template.replaceAll(/\$\{([^${}]*)\}/g, (_, name: string) => {
    if (name.startsWith('!')) return `\${${name.slice(1)}}`;
    const value = given.has(name) ? given.get(name) : refer(name.trim(), scope);
    isKnown &&= typeof value === 'string' || typeof value === 'number';
    if (!isKnown) return '';
    length += String(value).length;
    isKnown = length <= LONGEST_MADE;
    return isKnown ? String(value) : '';
  });
  return isKnown ? text : UNKNOWN;
}

function join(argument: unknown): unknown {
  const [delimiter, items] = listOf(argument);
  if (typeof delimiter !== 'string' || !isTexts(items)) return UNKNOWN;
  const length = items.reduce<number>((sum, item) => sum + String(item).length + delimiter.length, 0);
  return length > LONGEST_MADE ? UNKNOWN : items.join(delimiter);
}

function select(argument: unknown): unknown {
  const [index, items] = listOf(argument);
  if (!Array.isArray(items) || typeof index === 'symbol') return UNKNOWN;
  return (items as readonly unknown[])[Number(index)] ?? UNKNOWN;
}

function split(argument: unknown): unknown {
  const [delimiter, text] = listOf(argument);
  return typeof delimiter === 'string' && typeof text === 'string' ? text.split(delimiter) : UNKNOWN;
}

function findInMap(argument: unknown, { mappings }: Scope): unknown {
  const steps = listOf(argument).slice(0, 3);
  let value: unknown = mappings;
  for (const step of steps) {
    if (typeof step !== 'string' || !isKeys(value) || !Object.hasOwn(value, step)) return UNKNOWN;
    value = value[step];
  }
  return steps.length === 3 && !isLong(value) ? value : UNKNOWN;
}

function isTexts(items: unknown): items is readonly (string | number)[] {
  return Array.isArray(items) && items.every((item) => typeof item === 'string' || typeof item === 'number');
}
