import type { AppDeps } from '../deps.js';
import type { Route } from '../route.js';
import { access } from './access.js';
import { approvals } from './approvals.js';
import { decisions } from './decisions.js';
import { enforcement } from './enforcement.js';
import { evaluate } from './evaluate.js';
import { exceptions } from './exceptions.js';
import { health } from './health.js';
import { policies } from './policies.js';
import { policyChecks } from './policy-checks.js';
import { policyDiff } from './policy-diff.js';
import { remediations } from './remediations.js';
import { reports } from './reports.js';
import { resources } from './resources.js';
import { scans } from './scans.js';
import { simulatedRoutes } from './simulated.js';
import { violations } from './violations.js';

/** Every route of an installation, but the document that describes them. */
export function routesFor({ simulated }: Pick<AppDeps, 'simulated'>): readonly Route[] {
  return [
    evaluate,
    ...decisions,
    ...approvals,
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
    ...access,
    ...health,
    ...(simulated === undefined ? [] : simulatedRoutes(simulated)),
  ];
}
