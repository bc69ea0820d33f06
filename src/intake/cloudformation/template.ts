/** A template before it is deployed. */
import { type Intake, notTold } from '../intake.js';
import { isKeys, type Keys, keysOf, textOf } from '../loose.js';
import { refuseTooMany } from '../most-resources.js';
import { unknownIn } from '../sentinel.js';
import { readAttributes } from '../terraform/attributes.js';
import type { MapContext } from '../terraform/map-resource.js';
import { translate } from './attributes.js';
import type { StackContext } from './cloudformation.js';
import { resolve, type Scope } from './resolve.js';
import { mapStackResource } from './stack-resource.js';

type Translated = ReturnType<typeof translate>;
/** What is declared under a logical id, in the words of Terraform. */
type Declared = (logicalId: string) => Translated;

/** All that it declares, by the defaults of its parameters; what follows from the deployment, it does not tell. What a condition may leave out is judged as if it were made. */
export function readTemplate(document: Keys & { readonly Resources: Keys }, context: StackContext): Intake {
  const { Resources: resources, Parameters: parameters, Mappings: mappings } = document;
  const { region, account } = context;
  const scope = { parameters: keysOf(parameters), mappings: keysOf(mappings), region, account };
  const declaredAs = translator(resources, scope);
  const declared = Object.entries(resources).filter(
    (entry): entry is [string, Keys] => isKeys(entry[1]) && textOf(entry[1]['Type']) !== undefined,
  );
  refuseTooMany(declared.length, 'Resources');
  return {
    resources: declared.flatMap(([logicalId, { Type: type, Properties: properties }]) =>
      mapStackResource(
        {
          type: String(type),
          logicalId,
          physicalId: null,
          properties: keysOf(resolve(keysOf(properties), scope)),
          related: relatedTo(keysOf(properties), declaredAs),
        },
        context,
      ).map(notTold),
    ),
    notices: noticesOf(document, declared),
  };
}

/** Each is translated once, however many refer to it. */
function translator(resources: Keys, scope: Scope): Declared {
  const known = new Map<string, Translated>();
  return (logicalId) => {
    const { Type: kind, Properties: given } = keysOf(resources[logicalId]);
    const translated = known.get(logicalId) ?? translate(textOf(kind) ?? '', keysOf(resolve(keysOf(given), scope)));
    known.set(logicalId, translated);
    return translated;
  };
}

/** The template of a group's machines, found by what the property refers to. */
function relatedTo(properties: Keys, declaredAs: Declared): MapContext['related'] {
  return (attribute, type) => {
    const property = PROPERTIES[attribute];
    const referred = property === undefined ? [] : referencesIn(properties[property]);
    for (const name of new Set(referred)) {
      const translated = declaredAs(name);
      if (translated.type === type) return readAttributes(translated.attributes, unknownIn(translated.attributes));
    }
    return undefined;
  };
}

const PROPERTIES: Readonly<Record<string, string>> = {
  launch_template: 'LaunchTemplate',
  launch_configuration: 'LaunchConfigurationName',
  mixed_instances_policy: 'MixedInstancesPolicy',
};

/** Logical ids that a value names by `Ref` or `Fn::GetAtt`. */
function referencesIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  if (!isKeys(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    if (key === 'Ref' && typeof item === 'string') return [item];
    if (key !== 'Fn::GetAtt') return referencesIn(item);
    const name: unknown = Array.isArray(item) ? item[0] : String(item).split('.')[0];
    return typeof name === 'string' ? [name] : [];
  });
}

function noticesOf(document: Keys, declared: readonly (readonly [string, Keys])[]): readonly string[] {
  const conditional = declared.filter(([, { Condition: condition }]) => textOf(condition) !== undefined).map(([id]) => `\`${id}\``);
  const nested = declared.filter(([, { Type: type }]) => type === 'AWS::CloudFormation::Stack').map(([id]) => `\`${id}\``);
  const loops = Object.keys(keysOf(document['Resources'])).filter((key) => key.startsWith('Fn::'));
  return [
    'a template is judged by the defaults of its parameters; a change set tells more',
    ...(conditional.length === 0 ? [] : [`judged as if its condition held: ${listed(conditional)}`]),
    ...(nested.length === 0 ? [] : [`templates of nested stacks are not part of this one; give them too: ${listed(nested)}`]),
    ...(loops.length === 0 ? [] : [`not judged, since a macro makes them: ${listed(loops.map((key) => `\`${key.slice(0, 100)}\``))}`]),
  ];
}

const SHOWN = 20;

function listed(names: readonly string[]): string {
  return names.length > SHOWN ? `${names.slice(0, SHOWN).join(', ')} and ${names.length - SHOWN} more` : names.join(', ');
}
