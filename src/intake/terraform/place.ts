/** Where a planned resource will be: its region and account, from its own attributes before those of its provider. Pure. */
import { type Attributes, firstGiven, known, mapped } from './attributes.js';

/** What the configuration of a provider says; null where it does not, or works it out. */
export interface Place {
  readonly region: string | null;
  readonly account: string | null;
}

export function regionOf(provider: string, attributes: Attributes): string | null {
  const find = Object.hasOwn(REGION_OF, provider) ? REGION_OF[provider] : undefined;
  return find?.(attributes) ?? null;
}

const REGION_OF: Readonly<Record<string, (attributes: Attributes) => string | undefined>> = {
  aws: (it) => known(it.text('region')) ?? awsRegion(known(it.text('availability_zone'))) ?? arnOf(it)?.region,
  gcp: (it) => known(firstGiven(it.text('region'), mapped(it.text('zone'), zoneToRegion), mapped(it.text('location'), zoneToRegion))),
  azure: (it) => known(it.text('location'))?.toLowerCase().replaceAll(' ', ''),
};

/** `us-east-1a`, and local zones such as `us-west-2-lax-1a`. */
function awsRegion(zone: string | undefined): string | undefined {
  return /^[a-z]{2}(?:-(?:gov|isof?|isob|isoe))?-[a-z]+-\d+/.exec(zone ?? '')?.[0];
}

/** `europe-west2-a`, also at the end of a link. */
function zoneToRegion(zone: string): string {
  return zone
    .slice(zone.lastIndexOf('/') + 1)
    .toLowerCase()
    .replace(/-[a-z]$/, '');
}

export function accountOf(provider: string, attributes: Attributes): string | null {
  const find = Object.hasOwn(ACCOUNT_OF, provider) ? ACCOUNT_OF[provider] : undefined;
  return find?.(attributes) ?? null;
}

const ACCOUNT_OF: Readonly<Record<string, (attributes: Attributes) => string | undefined>> = {
  aws: (it) => arnOf(it)?.account ?? known(it.text('owner_id')),
  gcp: (it) => known(it.text('project')),
  azure: (it) => /^\/subscriptions\/([\w-]+)\//i.exec(known(it.text('id')) ?? '')?.[1],
};

const ARN = /^arn:[\w-]+:[\w-]+:([\w-]*):(\d{12})?:/;

/** The ARN of a bucket names neither region nor account. */
function arnOf(attributes: Attributes): { region?: string; account?: string } | undefined {
  const match = ARN.exec(known(attributes.text('arn')) ?? '');
  return match === null ? undefined : { ...(match[1] ? { region: match[1] } : {}), ...(match[2] ? { account: match[2] } : {}) };
}

/** Whether a text may be the name of a region: a variable that a provider refers to may also be part of it only. */
export function looksLikeRegion(text: string): boolean {
  return /^[a-z]{2}(-[a-z]+)+-?\d+$/.test(text) || /^[a-z]+-[a-z]+\d+$/.test(text) || /^[a-z]+\d?$/.test(text);
}
