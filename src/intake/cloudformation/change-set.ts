/** A change set, as `aws cloudformation describe-change-set` prints it. */
import type { Resource } from '../../policy/model.js';
import { parseJsonDocument } from '../document.js';
import type { Intake } from '../intake.js';
import { isKeys, type Keys, keysOf, listOf, textOf } from '../loose.js';
import { refuseTooMany } from '../most-resources.js';
import { withPrevious } from '../previous.js';
import type { StackContext } from './cloudformation.js';
import { resolve } from './resolve.js';
import { mapStackResource, type StackResource, stackTagsOf } from './stack-resource.js';

const ASKED_FOR: ReadonlySet<string> = new Set(['Add', 'Modify', 'Import', 'Dynamic']);
const NESTED = 'AWS::CloudFormation::Stack';

/**
 * What it adds, changes, imports or may change. Without property values (`--include-property-values`) only kinds are known; what CloudFormation
 * has still to work out is known after apply.
 */
export function readChangeSet(document: Keys, context: StackContext): Intake {
  const place = { ...context, ...placeOf(document, context) };
  const changes = listOf(document['Changes'])
    .map((change) => keysOf(keysOf(change)['ResourceChange']))
    .filter(({ Action: action }) => ASKED_FOR.has(textOf(action) ?? ''));
  const stackTags = stackTagsOf(document['Tags']);
  refuseTooMany(changes.length, 'Changes');
  return {
    resources: changes.flatMap((change) => readChange(change, stackTags, place)),
    notices: [...documentNotices(document), ...changeNotices(changes)],
  };
}

function readChange(change: Keys, stackTags: Keys, context: StackContext): readonly Resource[] {
  const resource = { ...identityOf(change), stackTags };
  const after = mapStackResource({ ...resource, properties: propertiesOf(change['AfterContext'], context) }, context);
  if (change['Action'] === 'Add' || change['Action'] === 'Import') return after;
  const before = mapStackResource({ ...resource, properties: propertiesOf(change['BeforeContext'], context) }, context);
  return withPrevious(after, before);
}

function identityOf(change: Keys): Pick<StackResource, 'type' | 'logicalId' | 'physicalId'> {
  const logicalId = textOf(change['LogicalResourceId']) ?? 'resource';
  return {
    type: textOf(change['ResourceType']) ?? 'AWS::Unknown::Resource',
    logicalId,
    physicalId: textOf(change['PhysicalResourceId']) ?? null,
  };
}

/** JSON in a text; some recorders have it parsed already. What cannot be read is not known. */
function propertiesOf(value: unknown, { region, account }: StackContext): Keys | undefined {
  const content = typeof value === 'string' ? parsed(value) : value;
  if (!isKeys(content)) return undefined;
  const properties = resolve(keysOf(content['Properties']), { parameters: {}, mappings: {}, region, account });
  return keysOf(properties);
}

function parsed(text: string): unknown {
  try {
    return parseJsonDocument(text, 'the properties');
  } catch {
    return undefined;
  }
}

/** `arn:aws:cloudformation:us-east-1:123456789012:stack/NAME/ID`. */
function placeOf({ StackId: stackId }: Keys, { region, account }: StackContext): Pick<StackContext, 'region' | 'account'> {
  const match = /^arn:[\w-]+:cloudformation:([\w-]+):(\d{12}):/.exec(textOf(stackId) ?? '');
  return { region: match?.[1] ?? region, account: match?.[2] ?? account };
}

function documentNotices({ Status: status, StatusReason: reason, NextToken: next }: Keys): readonly string[] {
  const notices: string[] = [];
  if (status === 'FAILED') notices.push(`the change set could not be made: ${(textOf(reason) ?? 'no reason given').slice(0, 300)}`);
  if (status === 'CREATE_PENDING' || status === 'CREATE_IN_PROGRESS')
    notices.push('the change set is not complete: it is still being made');
  if (textOf(next) !== undefined) notices.push('the change set is not complete: `NextToken` says that more pages follow');
  return notices;
}

function changeNotices(changes: readonly Keys[]): readonly string[] {
  const hidden = changes.filter(({ AfterContext: after }) => after === undefined || after === null).length;
  const nested = changes.filter(({ ResourceType: type }) => type === NESTED).map(({ LogicalResourceId: id }) => String(id));
  return [
    ...(hidden === 0
      ? []
      : [`${hidden} of ${changes.length} changes show no property values; describe the change set with \`--include-property-values\``]),
    ...nested.map((id) => `the change set of nested stack \`${id}\` is not part of this one; give it too`),
  ];
}
