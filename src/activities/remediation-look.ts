/** Looking before the act, after it, and before an undo. All of these only read, but for what undo will need. */

import { type Tags, tagsToWrite, tagUndo } from '../policy/auto-tags.js';
import { type Breach, breaches } from '../policy/blast-radius.js';
import { isDestructive, needsConsent } from '../policy/course.js';
import { HOUR, waitingLength } from '../policy/durations.js';
import { type Outlook, outlookOf } from '../policy/gates.js';
import type { Resource, ResourceKey } from '../policy/model.js';
import type { RemediationAction } from '../policy/records.js';
import { accountMode } from '../policy/settings.js';
import type { ActionParameters } from '../policy/verdict.js';
import { appendAudit } from '../store/audit.js';
import { countBlastRadius, releaseBatch, releasesOf } from '../store/blast-radius.js';
import { transaction } from '../store/db.js';
import { getInstallation } from '../store/installation.js';
import { findPause } from '../store/pauses.js';
import { savedResource, saveForUndo } from '../store/remediation-writes.js';
import { findActingOn } from '../store/remediations.js';
import { alive } from './alive.js';
import type { ActivityDeps } from './deps.js';
import { type Concern, fingerprint, type Judged, type ReadingDeps, readAndJudge, readResource } from './remediation-reading.js';
import { nudgeRemediations } from './remediation-start.js';

export interface LookInput extends Concern {
  readonly remediationId: string;
  readonly team: string;
  readonly action: RemediationAction;
  readonly parameters: ActionParameters;
  readonly approvedFingerprint: string | null;
  readonly holdLeftMs: number;
  /** Promised while the account was only observed: it stays so, whatever the account is now. */
  readonly dryRun: boolean;
}

/** What the act needs to know of the resource as it is. */
export interface Before {
  /** When it was looked at. */
  readonly at: number;
  readonly state: string | null;
  readonly instanceType: string | null;
  /** Of what the action depends on. */
  readonly fingerprint: string;
  readonly tags: Tags;
  readonly snapshot: boolean;
}

export type Look = Exclude<Outlook, { kind: 'act' }> | (Extract<Outlook, { kind: 'act' }> & { readonly before: Before });

export interface VerifyResult {
  readonly kind: 'compliant' | 'left' | 'unreadable';
  readonly message: string;
}

export interface UndoLook {
  readonly kind: 'present' | 'gone' | 'unreadable';
  readonly message: string;
  readonly instanceType: string | null;
  readonly setTags: Tags;
  readonly removeTagKeys: readonly string[];
}

export interface ReleaseInput {
  readonly remediationId: string;
  readonly policyName: string;
  readonly team: string;
  readonly principal: string;
}

export type LookDeps = ActivityDeps & ReadingDeps;

/** Recheck and gates. Safe to repeat: it writes only what undo needs, and writes it anew each time. */
export async function lookBeforeActing(deps: LookDeps, input: LookInput): Promise<Look> {
  const at = deps.now();
  const judged = await alive(() => readAndJudge(deps, input));
  const outlook = outlookOf(await gather(deps, input, judged));
  if (outlook.kind !== 'act') return outlook;
  if (judged.resource === null) throw new TypeError('an act without a resource');
  await saveForUndo(deps.pool, input.remediationId, judged.resource);
  return { ...outlook, before: { at, ...beforeOf(deps, outlook, judged, judged.resource) } };
}

async function gather(deps: LookDeps, input: LookInput, judged: Judged) {
  const { key, policyName, approvedFingerprint } = input;
  const pause = await findPause(deps.pool, { policyName, account: key.account });
  const outdated = judged.resource !== null && fingerprint(judged.resource) !== approvedFingerprint;
  return {
    ...judged,
    busyWith: await findActingOn(deps.pool, key, input.remediationId),
    resourceType: key.type,
    resourceId: key.id,
    promised: { action: input.action, parameters: input.parameters },
    pausedBecause: pause === undefined ? null : `enforcement is paused for \`${pause.scope}\` by ${pause.pausedBy}: ${pause.reason}`,
    managedBy: judged.resource?.managedBy ?? null,
    holdLeftMs: input.holdLeftMs,
    breaches: isDestructive(input.action) ? await unreleasedBreaches(deps, input) : [],
    consentNeeded: (action: RemediationAction) => needsConsent(action, deps.settings),
    approval: approvedFingerprint === null ? ('none' as const) : outdated ? ('outdated' as const) : ('valid' as const),
    mode: input.dryRun ? ('observe' as const) : accountMode(deps.settings, key.provider, key.account),
  };
}

type Scope = Pick<ReleaseInput, 'remediationId' | 'policyName' | 'team'>;

async function windowOf(deps: LookDeps) {
  const { acceleration } = await getInstallation(deps.pool);
  return { windowMs: waitingLength(deps.settings.blastRadius.windowMs, acceleration), hourMs: waitingLength(HOUR, acceleration) };
}

async function unreleasedBreaches(deps: LookDeps, scope: Scope): Promise<readonly Breach[]> {
  const question = { ...scope, at: deps.now(), ...(await windowOf(deps)) };
  const found = breaches(await countBlastRadius(deps.pool, question), deps.settings.blastRadius);
  if (found.length === 0) return found;
  const released = new Set((await releasesOf(deps.pool, scope.remediationId)).map((release) => release.scope));
  return found.filter((breach) => !released.has(breach.scope));
}

function beforeOf(deps: LookDeps, outlook: Extract<Outlook, { kind: 'act' }>, judged: Judged, resource: Resource): Omit<Before, 'at'> {
  const failed = judged.reading.kind === 'judged' ? (judged.reading.verdict?.finding?.checks ?? []) : [];
  return {
    state: resource.state,
    instanceType: resource.specs.instanceType ?? null,
    fingerprint: fingerprint(resource, outlook.action === 'add_tags' ? 'tags' : 'all'),
    tags: outlook.action === 'add_tags' ? tagsToWrite(resource.tags, outlook.parameters, failed, deps.now()) : {},
    snapshot: wantsSnapshot(deps, outlook.action, resource),
  };
}

/** Before a stop or what follows one if the settings say so; before a volume's deletion always; never of what has no data. */
function wantsSnapshot(deps: LookDeps, action: RemediationAction, resource: Resource): boolean {
  if (!deps.providers.get(resource.provider ?? '').capabilities.snapshots) return false;
  if (action === 'delete_volume' || action === 'terminate_instance') return true;
  return (action === 'stop_instance' || action === 'resize_instance') && deps.settings.createSnapshotBeforeStop;
}

/** Judges again after the act. */
export async function verifyRemediation(deps: LookDeps, concern: Concern): Promise<VerifyResult> {
  const { reading, policyEnforces } = await alive(() => readAndJudge(deps, concern));
  if (reading.kind === 'gone') return { kind: 'compliant', message: 'the resource is gone' };
  if (!policyEnforces) return { kind: 'compliant', message: 'its policy enforces no longer' };
  if (reading.kind === 'unreadable') return { kind: 'unreadable', message: reading.reason };
  const { verdict } = reading;
  if (verdict?.finding) return { kind: 'left', message: verdict.finding.message };
  if (verdict?.verdict === 'unknown' || verdict?.verdict === 'error') {
    return { kind: 'left', message: `it cannot be judged: ${verdict.unknowns.map((unknown) => unknown.reason).join(', ')}` };
  }
  return { kind: 'compliant', message: 'the resource is compliant' };
}

/** The resource's fingerprint, to which an approval is bound; null when it is gone or cannot be read now. */
export async function readFingerprint(deps: LookDeps, key: ResourceKey): Promise<string | null> {
  const found = await alive(() => readResource(deps.providers, key));
  return 'resource' in found ? fingerprint(found.resource) : null;
}

export interface UndoLookInput {
  readonly remediationId: string;
  readonly key: ResourceKey;
  readonly tagsWritten: Tags;
}

/** What is there now, and which tags are still ours to take back. */
export async function lookBeforeUndo(deps: LookDeps, input: UndoLookInput): Promise<UndoLook> {
  const nothing = { message: '', instanceType: null, setTags: {}, removeTagKeys: [] };
  const found = await alive(() => readResource(deps.providers, input.key));
  if ('reading' in found)
    return { ...nothing, ...found.reading, message: found.reading.kind === 'gone' ? 'the resource is gone' : found.reading.reason };
  const { resource } = found;
  const before = (await savedResource(deps.pool, input.remediationId))?.tags ?? {};
  const { set, remove } = tagUndo(before, input.tagsWritten, resource.tags);
  return { kind: 'present', message: '', instanceType: resource.specs.instanceType ?? null, setTags: set, removeTagKeys: remove };
}

/**
 * Lets the batch that this remediation waits in go over the limits, tells all of it, and answers how many they are. A repeat finds what is
 * released already, releases nothing, and tells and answers the same.
 */
export async function releaseBlastRadius(deps: LookDeps, input: ReleaseInput): Promise<number> {
  const found = await unreleasedBreaches(deps, input);
  if (found.length > 0) await release(deps, input, found);
  const releases = await releasesOf(deps.pool, input.remediationId);
  const ids = new Set(releases.flatMap(({ remediationIds }) => remediationIds));
  await nudgeRemediations(deps, { ids: [...ids].filter((id) => id !== input.remediationId) });
  return ids.size;
}

async function release(deps: LookDeps, { remediationId, principal }: ReleaseInput, found: readonly Breach[]): Promise<void> {
  const { windowMs } = await windowOf(deps);
  const at = deps.now();
  await transaction(deps.pool, async (db) => {
    const ids = await releaseBatch(db, { breaches: found, releasedBy: principal, at, windowMs });
    await appendAudit(db, {
      principal,
      action: 'remediation.release-batch',
      subject: remediationId,
      before: { breaches: found.map((breach) => breach.message) },
      after: { scopes: found.map((breach) => breach.scope), remediations: ids.length },
      at,
    });
  });
}
