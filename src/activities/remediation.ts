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
import { performStep, type StepInput } from './remediation-step.js';

/** All that a remediation reads and does outside its workflow. Each is safe to repeat: see its own file. */
export function createRemediationActivities(activityDeps: ActivityDeps) {
  const deps = {
    ...activityDeps,
    policies: createCompiledCache((problem) => activityDeps.log.warn({ problem }, 'an enforcing policy cannot be read')),
  };
  return {
    projectRemediation: withFailures((projection: Projection) => projectRemediation(deps, projection)),
    lookBeforeActing: withFailures((input: LookInput) => lookBeforeActing(deps, input)),
    performStep: withFailures((input: StepInput) => performStep(deps, input)),
    verifyRemediation: withFailures((concern: Concern) => verifyRemediation(deps, concern)),
    readFingerprint: withFailures((key: ResourceKey) => readFingerprint(deps, key)),
    lookBeforeUndo: withFailures((input: UndoLookInput) => lookBeforeUndo(deps, input)),
    releaseBlastRadius: withFailures((input: ReleaseInput) => releaseBlastRadius(deps, input)),
  };
}
