import { SECOND } from '../policy/durations.js';
import type { ResourceKey } from '../policy/model.js';
import { createCompiledCache } from '../store/enforcing.js';
import type { ActivityDeps } from './deps.js';
import { withFailures } from './failure.js';
import {
  type LookInput,
  lookBeforeActing,
  lookBeforeUndo,
  type ReleaseInput,
  readFingerprint,
  releaseBlastRadius,
  type UndoLookInput,
  verifyRemediation,
} from './remediation-look.js';
import { type Projection, projectRemediation } from './remediation-project.js';
import type { Concern } from './remediation-reading.js';
import { type ProbeInput, performStep, probeStep, type StepInput } from './remediation-step.js';

export interface RemediationOptions {
  /** How long a step looks for its effect before it leaves the waiting to the workflow. @default 20 s */
  readonly settleWithinMs?: number;
}

/** All that a remediation reads and does outside its workflow. Each is safe to repeat: see its own file. */
export function createRemediationActivities(activityDeps: ActivityDeps, { settleWithinMs = 20 * SECOND }: RemediationOptions = {}) {
  const deps = {
    ...activityDeps,
    settleWithinMs,
    policies: createCompiledCache((problem) => activityDeps.log.warn({ problem }, 'an enforcing policy cannot be read')),
  };
  return {
    // Whatever hinders it, it is tried again: nothing goes on before what was decided is written.
    projectRemediation: (projection: Projection) => projectRemediation(deps, projection),
    lookBeforeActing: withFailures((input: LookInput) => lookBeforeActing(deps, input)),
    performStep: withFailures((input: StepInput) => performStep(deps, input)),
    probeStep: withFailures((input: ProbeInput) => probeStep(deps, input)),
    verifyRemediation: withFailures((concern: Concern) => verifyRemediation(deps, concern)),
    readFingerprint: withFailures((key: ResourceKey) => readFingerprint(deps, key)),
    lookBeforeUndo: withFailures((input: UndoLookInput) => lookBeforeUndo(deps, input)),
    releaseBlastRadius: withFailures((input: ReleaseInput) => releaseBlastRadius(deps, input)),
  };
}
