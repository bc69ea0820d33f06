import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/package-root.js';
import type { VersionedPolicy } from '../src/policy/model.js';
import { parsePolicies } from '../src/policy/parse.js';

/** The two policies that all of these benchmarks judge by. */
export const GATE_POLICY_FILES = ['resource-limits-policy.yaml', 'tagging-policy.yaml'];

export function gatePolicies(): readonly VersionedPolicy[] {
  return GATE_POLICY_FILES.flatMap((file) => parsePolicies(readFileSync(join(packageRoot, 'policies', file), 'utf8'), file).policies).map(
    (policy) => ({ version: '1.0.0', policy }),
  );
}
