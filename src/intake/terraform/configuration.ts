/** The `configuration` of a plan: which provider a resource has and what that says, and what its expressions refer to. Pure. */
import { isKeys, type Keys, keysOf, listOf, textOf } from '../loose.js';
import { UNKNOWN } from './attributes.js';
import type { PlannedChange } from './changes.js';
import { looksLikeRegion, type Place } from './place.js';
import type { DefaultTags } from './tags.js';

export interface ProviderSettings extends Place {
  readonly defaultTags: DefaultTags;
}

export interface Configuration {
  readonly settingsOf: (change: PlannedChange) => ProviderSettings;
  /** Addresses without indices of the resources of a type that an attribute refers to, through variables and outputs of modules. */
  readonly referredBy: (change: PlannedChange, attribute: string, type: string) => readonly string[];
}

interface Module {
  readonly path: string;
  readonly parent: Module | undefined;
  readonly call: Keys;
  readonly body: Keys;
  readonly resources: ReadonlyMap<string, Keys>;
}

const INDEX = /\[(?:"(?:[^"\\]|\\.)*"|\d+)\]/g;

/** `module.a["x"].module.b[0]` as the configuration names it: `module.a.module.b`. */
export function withoutIndices(address: string): string {
  return address.includes('[') ? address.replace(INDEX, '') : address;
}

/** `aws_instance.web` within its module, without indices. */
export function plainAddress({ moduleAddress, type, name }: Pick<PlannedChange, 'moduleAddress' | 'type' | 'name'>): string {
  return inModule(withoutIndices(moduleAddress), `${type}.${name}`);
}

function inModule(path: string, address: string): string {
  return path === '' ? address : `${path}.${address}`;
}

export function readConfiguration(plan: Keys): Configuration {
  const configuration = keysOf(plan['configuration']);
  const modules = new Map<string, Module>();
  addModules(modules, { path: '', parent: undefined, call: {}, body: keysOf(configuration['root_module']) });
  const providers = keysOf(configuration['provider_config']);
  const settings = new Map<string, ProviderSettings>();
  const moduleOf = (change: PlannedChange) => modules.get(withoutIndices(change.moduleAddress));
  const configured = (change: PlannedChange) => moduleOf(change)?.resources.get(`${change.type}.${change.name}`);

  return {
    settingsOf(change) {
      const key = textOf(configured(change)?.['provider_config_key']) ?? change.type.split('_')[0] ?? '';
      const found = settings.get(key) ?? readSettings(providerOf(providers, key), keysOf(plan['variables']), isKeys(plan['configuration']));
      settings.set(key, found);
      return found;
    },
    referredBy(change, attribute, type) {
      const module = moduleOf(change);
      const expression = keysOf(configured(change)?.['expressions'])[attribute];
      if (module === undefined || expression === undefined) return [];
      return [...new Set(follow(modules, module, referencesOf(expression), { type, steps: MOST_STEPS }))];
    },
  };
}

function addModules(modules: Map<string, Module>, module: Omit<Module, 'resources'>): void {
  const resources = listOf(module.body['resources']).filter(isKeys);
  const byAddress = resources.map((resource) => [String(resource['address']), resource] as const);
  const whole: Module = { ...module, resources: new Map(byAddress) };
  modules.set(module.path, whole);
  for (const [name, call] of Object.entries(keysOf(module.body['module_calls']))) {
    const body = keysOf(keysOf(call)['module']);
    addModules(modules, { path: inModule(module.path, `module.${name}`), parent: whole, call: keysOf(call), body });
  }
}

/** A key such as `module.db:aws` without settings of its own stands for the provider `aws` that the module is given. */
function providerOf(providers: Keys, key: string): Keys {
  const own = keysOf(Object.hasOwn(providers, key) ? providers[key] : undefined);
  if (isKeys(own['expressions'])) return own;
  const given = key.slice(key.lastIndexOf(':') + 1);
  return keysOf(Object.hasOwn(providers, given) ? providers[given] : undefined);
}

function readSettings(provider: Keys, variables: Keys, configured: boolean): ProviderSettings {
  const expressions = keysOf(provider['expressions']);
  const isRoot = textOf(provider['module_address']) === undefined;
  const region = textOf(constantOf(expressions['region'])) ?? variableRegion(expressions['region'], isRoot ? variables : {});
  return { region: region ?? null, account: accountOf(expressions), defaultTags: configured ? defaultTagsOf(expressions) : UNKNOWN };
}

function constantOf(expression: unknown): unknown {
  return keysOf(expression)['constant_value'];
}

/** An expression that refers to one variable may also use it in part; a value that looks like no region is none. */
function variableRegion(expression: unknown, variables: Keys): string | undefined {
  const [reference, ...others] = referencesOf(expression);
  const name = /^var\.([\w-]+)$/.exec(reference ?? '')?.[1];
  if (name === undefined || others.length > 0 || !Object.hasOwn(variables, name)) return undefined;
  const value = textOf(keysOf(variables[name])['value']);
  return value !== undefined && looksLikeRegion(value) ? value : undefined;
}

/** Google's `project`, Azure's `subscription_id`, the account of the role that Amazon's provider takes or is held to. */
function accountOf(expressions: Keys): string | null {
  const allowed = listOf(constantOf(expressions['allowed_account_ids']));
  const role = textOf(constantOf(keysOf(listOf(expressions['assume_role'])[0])['role_arn']));
  const named = textOf(constantOf(expressions['project'])) ?? textOf(constantOf(expressions['subscription_id']));
  return named ?? (allowed.length === 1 ? textOf(allowed[0]) : undefined) ?? /^arn:[\w-]+:iam::(\d{12}):/.exec(role ?? '')?.[1] ?? null;
}

function defaultTagsOf(expressions: Keys): DefaultTags {
  const expression = 'default_tags' in expressions ? keysOf(listOf(expressions['default_tags'])[0])['tags'] : expressions['default_labels'];
  if (expression === undefined) return undefined;
  const tags = constantOf(expression);
  if (!isKeys(tags)) return UNKNOWN;
  return Object.fromEntries(Object.entries(tags).map(([key, value]) => [key, String(value)]));
}

/** What an expression refers to, at any depth of its blocks. */
function referencesOf(expression: unknown): readonly string[] {
  if (Array.isArray(expression)) return expression.flatMap(referencesOf);
  if (!isKeys(expression)) return [];
  const own = listOf(expression['references']).filter((reference) => typeof reference === 'string');
  const below = Object.entries(expression).filter(([key]) => key !== 'references' && key !== 'constant_value');
  return [...own, ...below.flatMap(([, value]) => referencesOf(value))];
}

/** Variables and outputs passed on through so many modules; a configuration cannot refer to itself, a forged one can. */
const MOST_STEPS = 16;

interface Following {
  readonly type: string;
  readonly steps: number;
}

function follow(
  modules: ReadonlyMap<string, Module>,
  module: Module,
  references: readonly string[],
  following: Following,
): readonly string[] {
  if (following.steps === 0) return [];
  const next = { ...following, steps: following.steps - 1 };
  return references.flatMap((reference) => {
    const [first = '', second = '', third = ''] = withoutIndices(reference).split('.');
    if (first === following.type) return [inModule(module.path, `${first}.${second}`)];
    if (first === 'var') {
      const given = keysOf(module.call['expressions'])[second];
      return module.parent === undefined ? [] : follow(modules, module.parent, referencesOf(given), next);
    }
    const called = first === 'module' ? modules.get(inModule(module.path, `module.${second}`)) : undefined;
    const output = keysOf(keysOf(keysOf(called?.body['outputs'])[third])['expression']);
    return called === undefined ? [] : follow(modules, called, referencesOf(output), next);
  });
}
