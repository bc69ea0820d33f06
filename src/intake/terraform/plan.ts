/** The plan of Terraform or OpenTofu, as `terraform show -json` prints it, as resources in our words. Pure. */
import { TollgateError } from '../../errors.js';
import type { Cost, Resource } from '../../policy/model.js';
import type { Intake, Lookup } from '../intake.js';
import { looksLike, unexpectedDocument } from '../looks-like.js';
import { isKeys, type Keys, listOf, textOf } from '../loose.js';
import { refuseTooMany } from '../most-resources.js';
import { type Attributes, markedBy, readAttributes } from './attributes.js';
import { describeLeftOut, type PlannedChange, readChanges } from './changes.js';
import { type Configuration, plainAddress, readConfiguration } from './configuration.js';
import { type MapContext, mapResource } from './map-resource.js';
import { withMarkedKeys } from './marked-keys.js';
import { isTaggable } from './taggable.js';

/** What a plan does not say of itself: for resources whose own attributes and provider do not tell. */
export interface PlanOptions {
  readonly namespace?: string | null;
  readonly account?: string | null;
  readonly region?: string | null;
}

/**
 * The resources that a plan creates, updates or replaces, with their list prices; an update or replacement says what it cost before. Values
 * known only after apply, and secrets, are never read: they are unknown.
 *
 * @throws invalid-input for what is no plan, a format before 0.1 or from 2 on, entries that Terraform does not write, or too many resources
 */
export function readTerraformPlan(document: unknown, lookup: Lookup, options: PlanOptions = {}): Intake {
  if (!isKeys(document) || looksLike(document) !== 'terraform-plan') throw unexpectedDocument('terraform-plan', document);
  refuseOtherFormats(document);
  const changes = readChanges(document['resource_changes']);
  const configuration = readConfiguration(document);
  const related = relationsOf(changes, configuration);
  const asked = changes.filter(({ fate }) => fate === 'created' || fate === 'updated' || fate === 'replaced');
  refuseTooMany(asked.length, 'resource_changes');
  const surroundings = { lookup: rememberPrices(lookup), options, configuration, related };
  const resources = asked.flatMap((change) => resourcesOf(change, surroundings));
  // one change may make several
  refuseTooMany(resources.length, 'resource_changes');
  return { resources, notices: [...noticesOf(document), ...describeLeftOut(changes)] };
}

/** Many resources of a plan are alike: what has been priced once is not worked out again. */
function rememberPrices(lookup: Lookup): Lookup {
  const known = new Map<string, Cost>();
  return {
    ...lookup,
    price(resource) {
      const key = JSON.stringify(resource);
      const cost = known.get(key) ?? lookup.price(resource);
      known.set(key, cost);
      return cost;
    },
  };
}

function refuseOtherFormats(plan: Keys): void {
  const version = textOf(plan['format_version']);
  if (version !== undefined && /^(0\.[1-9]\d*|1\.\d+)$/.test(version)) return;
  const given = version === undefined ? 'none' : `\`${version.slice(0, 20)}\``;
  refuse('format_version', `expected a plan of format 0.1 to 1.x, got ${given}`);
}

function refuse(path: string, message: string): never {
  throw new TollgateError('invalid-input', message, { problems: [{ path, message }] });
}

/** What makes a plan say less than it should. */
function noticesOf(plan: Keys): readonly string[] {
  const deferred = listOf(plan['deferred_changes']).length;
  return [
    plan['errored'] === true
      ? ['the plan is errored: Terraform stopped before it was whole, so what it would do besides is not judged']
      : [],
    plan['complete'] === false
      ? ['the plan is not complete: another plan and apply will follow it, with changes that are not judged here']
      : [],
    plan['applyable'] === false && plan['errored'] !== true ? ['the plan cannot be applied: it changes nothing'] : [],
    deferred > 0 ? [`${deferred} deferred ${deferred === 1 ? 'change is' : 'changes are'} not judged`] : [],
  ].flat();
}

type Related = (change: PlannedChange) => NonNullable<MapContext['related']>;

interface Surroundings {
  readonly lookup: Lookup;
  readonly options: PlanOptions;
  readonly configuration: Configuration;
  readonly related: Related;
}

function resourcesOf(change: PlannedChange, { lookup, options, configuration, related }: Surroundings): readonly Resource[] {
  const settings = configuration.settingsOf(change);
  const context: MapContext = {
    lookup,
    address: change.address,
    managedBy: { tool: toolOf(change), address: change.address, repository: null },
    namespace: options.namespace ?? null,
    region: settings.region ?? options.region ?? null,
    account: settings.account ?? options.account ?? null,
    defaultTags: settings.defaultTags,
    isTaggable: isTaggable(change.change),
    related: related(change),
  };
  const { after, after_unknown: unknown, after_sensitive: sensitive, before, before_sensitive: sensitiveBefore } = change.change;
  const resources = mapResource(change.type, withMarkedKeys(after, unknown), markedBy(unknown, sensitive), context);
  if (change.fate === 'created') return resources;
  const previous = isKeys(before) ? mapResource(change.type, before, markedBy(sensitiveBefore), context) : undefined;
  return resources.map((resource) => withPrevious(resource, previous));
}

/** OpenTofu's own registry stands in the name of the provider. */
function toolOf({ providerName }: PlannedChange): string {
  return providerName.startsWith('registry.opentofu.org/') ? 'opentofu' : 'terraform';
}

/** A volume that an instance did not have before is new. */
function withPrevious(resource: Resource, previous: readonly Resource[] | undefined): Resource {
  if (previous === undefined) return { ...resource, previousMonthly: null };
  const same = previous.find(({ address }) => address === resource.address);
  return same === undefined ? resource : { ...resource, previousMonthly: same.cost.monthly };
}

/** Finds the planned resource that an attribute refers to: the only one, else the one of the same module instance and the same index. */
function relationsOf(changes: readonly PlannedChange[], configuration: Configuration): Related {
  const byAddress = new Map<string, PlannedChange[]>();
  for (const change of changes) {
    const address = plainAddress(change);
    const alike = byAddress.get(address);
    if (alike === undefined) byAddress.set(address, [change]);
    else alike.push(change);
  }
  return (change) => (attribute, type) => {
    const candidates = configuration.referredBy(change, attribute, type).flatMap((address) => byAddress.get(address) ?? []);
    const there = candidates.filter(({ fate }) => fate !== 'deleted' && fate !== 'forgotten' && fate !== 'deposed');
    const near = there.length > 1 ? there.filter(({ moduleAddress }) => moduleAddress === change.moduleAddress) : there;
    const [found, ...others] = near.length > 1 ? near.filter(({ index }) => index === change.index) : near;
    return found === undefined || others.length > 0 ? undefined : attributesOf(found);
  };
}

function attributesOf({ change }: PlannedChange): Attributes {
  const { after, after_unknown: unknown, after_sensitive: sensitive } = change;
  return readAttributes(withMarkedKeys(after, unknown), markedBy(unknown, sensitive));
}
