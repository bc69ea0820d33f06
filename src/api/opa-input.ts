/** What a client of the OPA Data API asks the gate. */
import type { AppContext } from './deps.js';
import { type GateRequest, gateRequestOf } from './gate.js';
import type { OpaInput } from './opa-document.js';
import type { Principal } from './route.js';
import { toGateRequest } from './routes/evaluate.js';

/** What is asked, and by whom; a question that is only read has no consequences, whatever the input says. */
export interface OpaQuestion {
  readonly input: Exclude<OpaInput, { readonly kind: 'nothing' }>;
  readonly principal: Principal;
  readonly isReadOnly: boolean;
}

/** @throws invalid-input for amounts that no request may give, forbidden for another requester */
export function toOpaGateRequest(context: AppContext, { input, principal, isReadOnly }: OpaQuestion): GateRequest {
  const request =
    input.kind === 'document'
      ? gateRequestOf(input.intake, { door: 'opa', requester: principal.id, dryRun: input.dryRun, idempotencyKey: null })
      : toGateRequest(context, input.request, principal, { door: 'opa', logged: input.logged });
  return isReadOnly ? { ...request, dryRun: true } : request;
}
