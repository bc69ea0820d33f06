import { createHash } from 'node:crypto';
import { canonicalJson } from '../policy/canonical.js';
import type { Instant, Resource } from '../policy/model.js';
import type { SnapshotState } from '../store/snapshot.js';
import { toWireResourceInput } from './contract/resource-input.js';

/** Names a request by what it asks for whom: an approval is for exactly that, its cost included. */
export function requestKeyOf(requester: string, resources: readonly Resource[]): string {
  const input = canonicalJson({ requester, resources: resources.map(toWireResourceInput) });
  return `sha256:${createHash('sha256').update(input).digest('hex')}`;
}

/** `policy/rule` of what is granted of a request at `at`. */
export function grantedOf(granted: SnapshotState['granted'], requestKey: string, at: Instant): ReadonlySet<string> {
  const live = (granted.get(requestKey) ?? []).filter(({ expiresAt }) => at < expiresAt);
  return new Set(live.map(({ policyName, ruleName }) => `${policyName}/${ruleName}`));
}
