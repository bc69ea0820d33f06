import type { Resource } from '../../policy/model.js';
import { type Keys, keysOf, listOf, textOf } from '../loose.js';
import { withPrevious } from '../previous.js';
import { unknownIn } from '../sentinel.js';
import { readAttributes } from '../terraform/attributes.js';
import { type MapContext, mapResource } from '../terraform/map-resource.js';
import { hiddenInputs, toAttributes } from './attributes.js';
import { translateNative } from './native.js';
import type { PulumiContext } from './pulumi.js';
import { readTypeToken, terraformTypeOf } from './type-token.js';

export interface PreviewContext extends PulumiContext {
  /** Configuration of the stack: `aws:region`. */
  readonly config: Keys;
  readonly steps: Steps;
}

export interface Steps {
  readonly list: readonly Step[];
  readonly find: (urn: string) => Step | undefined;
}

export interface Step {
  readonly op: string;
  readonly urn: string;
  /** False for components, stacks and providers. */
  readonly isOfCloud: boolean;
  readonly translated: Translation;
  /** Inputs of a provider; of anything else, of no use. */
  readonly inputs: Keys;
  readonly resources: (context: PreviewContext) => readonly Resource[];
}

interface Translation {
  readonly type: string;
  readonly attributes: Keys;
}

export function createSteps(values: readonly Keys[]): Steps {
  const list = values.map(createStep);
  const byUrn = new Map(list.map((step) => [step.urn, step]));
  return { list, find: (urn) => byUrn.get(urn) };
}

function createStep(value: Keys): Step {
  const urn = textOf(value['urn']) ?? '';
  const state = keysOf(value['newState'] ?? value['oldState']);
  const old = keysOf(value['oldState']);
  const token = textOf(state['type']) ?? typeOfUrn(urn);
  const translated = translateState(token, state, old);
  const op = textOf(value['op']) ?? '';
  return {
    op,
    urn,
    isOfCloud: state['custom'] !== false && !token.startsWith('pulumi:'),
    translated,
    inputs: keysOf(state['inputs']),
    resources: (context) => {
      const place = placeOf(textOf(value['provider']) ?? '', token, context);
      const related = relatedBy(keysOf(state['propertyDependencies']), context.steps);
      const now = mapState(urn, translated, { ...context, ...place }, related);
      return op === 'create' || value['oldState'] === undefined || value['oldState'] === null
        ? now
        : withPrevious(now, mapState(urn, translateState(token, old, old), { ...context, ...place }, related));
    },
  };
}

/** `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`. */
function typeOfUrn(urn: string): string {
  return urn.split('::')[2]?.split('$').at(-1) ?? '';
}

/** Inputs, and what of the state before tells where a resource is. */
function translateState(token: string, state: Keys, old: Keys): Translation {
  const type = readTypeToken(token);
  const inputs = toAttributes(keysOf(state['inputs']));
  const native = type.provider.endsWith('-native') ? translateNative(type, hiddenInputs(keysOf(state['inputs']))) : undefined;
  const translated = native ?? { type: terraformTypeOf(type), attributes: inputs };
  const { arn } = keysOf(old['outputs']);
  return { ...translated, attributes: { ...translated.attributes, id: textOf(old['id']), arn: textOf(arn) } };
}

function mapState(
  urn: string,
  { type, attributes }: Translation,
  context: PulumiContext,
  related: NonNullable<MapContext['related']>,
): readonly Resource[] {
  const { lookup, namespace, account, region } = context;
  const managedBy = { tool: 'pulumi', address: urn, repository: null };
  return mapResource(type, attributes, unknownIn(attributes), { lookup, namespace, account, region, address: urn, managedBy, related });
}

/** The provider of a step is named by its URN and id; a default one is configured by the stack. */
function placeOf(
  provider: string,
  token: string,
  { config, steps, account, region }: PreviewContext,
): { account: string | null; region: string | null } {
  const inputs = steps.find(provider.slice(0, provider.lastIndexOf('::')))?.inputs ?? {};
  const { provider: name } = readTypeToken(token);
  const find = (...keys: readonly string[]) =>
    keys
      .map((key) => textOf(inputs[key]) ?? textOf(config[`${name}:${key}`]))
      .find((value) => value !== undefined && /^[\w-]+$/.test(value));
  return { region: find('region', 'location') ?? region, account: find('project', 'subscriptionId') ?? account };
}

/** Terraform's name of a property to the one of Pulumi: `launch_template` is `launchTemplate`. */
function relatedBy(dependencies: Keys, steps: Steps): NonNullable<MapContext['related']> {
  return (attribute, type) => {
    const property = attribute.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    for (const urn of listOf(dependencies[property])) {
      const found = steps.find(textOf(urn) ?? '')?.translated;
      if (found?.type === type) return readAttributes(found.attributes, unknownIn(found.attributes));
    }
    return undefined;
  };
}
