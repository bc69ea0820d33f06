import type { AppDeps } from '../deps.js';
import type { Route } from '../route.js';
import { access } from './access.js';
import { admission } from './admission.js';
import { approvals } from './approvals.js';
import { budgets } from './budgets.js';
import { decisions } from './decisions.js';
import { enforcement } from './enforcement.js';
import { evaluate } from './evaluate.js';
import { evaluateCloudFormation } from './evaluate-cloudformation.js';
import { evaluateInfracost } from './evaluate-infracost.js';
import { evaluatePulumi } from './evaluate-pulumi.js';
import { evaluateTerraform } from './evaluate-terraform.js';
import { exceptions } from './exceptions.js';
import { health } from './health.js';
import { holds } from './holds.js';
import { imports } from './imports.js';
import { opa } from './opa.js';
import { policies } from './policies.js';
import { policyChecks } from './policy-checks.js';
import { policyDiff } from './policy-diff.js';
import { remediations } from './remediations.js';
import { reports } from './reports.js';
import { resources } from './resources.js';
import { runTasks } from './run-tasks.js';
import { scans } from './scans.js';
import { simulatedRoutes } from './simulated.js';
import { violations } from './violations.js';

/** Every route of an installation, but the document that describes them. */
export function routesFor({ simulated }: Pick<AppDeps, 'simulated'>): readonly Route[] {
  return [
    evaluate,
    evaluatePulumi,
    evaluateCloudFormation,
    evaluateInfracost,
    evaluateTerraform,
    ...admission,
    ...opa,
    runTasks,
    ...decisions,
    ...approvals,
    ...budgets,
    ...holds,
    ...scans,
    ...resources,
    ...violations,
    ...remediations,
    ...enforcement,
    ...exceptions,
    ...policies,
    ...policyChecks,
    policyDiff,
    ...reports,
    ...imports,
    ...access,
    ...health,
    ...(simulated === undefined ? [] : simulatedRoutes(simulated)),
  ];
}
