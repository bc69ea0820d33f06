import { createHash } from 'node:crypto';
import { toWireDecision } from '../api/contract/answer.js';
import { costOf, toPricedResources } from '../api/contract/cost.js';
import { evaluateRequest as requestSchema, type WireDecision } from '../api/contract/evaluate.js';
import { parseParts } from '../api/input.js';
import { readAdmissionReview } from '../intake/admission/admission-review.js';
import type { Intake } from '../intake/intake.js';
import { readDocument } from '../intake/readers.js';
import { canonicalJson } from '../policy/canonical.js';
import { compilePolicies } from '../policy/compile.js';
import { type EvaluationContext, evaluateRequest } from '../policy/evaluate.js';
import { NO_EXCEPTIONS } from '../policy/exception.js';
import { formatIssue } from '../policy/issue.js';
import type { Policy } from '../policy/model.js';
import { parsePolicyFiles } from '../policy/parse.js';
import { type CliContext, CliError, type Prices } from './context.js';
import { type Asked, explained, type GivenFile, type Judge } from './documents.js';
import { EXIT } from './exit-code.js';
import { readPolicyTexts } from './policy-files.js';

/** The built-in price list is in this currency. */
const CURRENCY = 'USD';

/** Judges by the policy files of a folder: without exceptions and budgets, at list prices. @throws CliError for policies with errors */
export async function createLocalJudge(context: CliContext, directory: string, asked: Asked): Promise<Judge> {
  const { policies, issues } = parsePolicyFiles(await readPolicyTexts([directory]));
  if (issues.length > 0) throw new CliError(issues.map(formatIssue).join('\n'), EXIT.policyInvalid);
  const judge = createJudge(policies);
  const prices = await context.loadPrices();
  return async (given) => {
    const intake = explained(() => intakeOf(given, prices, asked));
    return judge(intake, { offers: prices.offers });
  };
}

/** The answer on a document of which nothing is judged: no policy says anything of it. */
export function allowNothing(): WireDecision {
  return createJudge([])(NOTHING, {});
}

const NOTHING: Intake = { resources: [], notices: ['nothing in it is judged'] };

function createJudge(policies: readonly Policy[]): (intake: Intake, context: EvaluationContext) => WireDecision {
  const compiled = compilePolicies(policies.map((policy) => ({ version: 'file', policy })));
  const policySet = `sha256:${createHash('sha256').update(canonicalJson(policies)).digest('hex')}`;
  return ({ resources, notices }, context) => {
    const at = Date.now();
    const decision = evaluateRequest(compiled, NO_EXCEPTIONS, { resources }, at, context);
    const cost = costOf(resources, CURRENCY);
    const facts = { id: 'offline', at, resources, cost, policySet, degraded: false, durable: false, holds: [], notices };
    return toWireDecision(decision, facts);
  };
}

function intakeOf(given: GivenFile, prices: Prices, { namespace, account, region }: Asked): Intake {
  const target = { currency: CURRENCY, namespace: namespace ?? null, account: account ?? null, region: region ?? null };
  const { lookup } = prices;
  switch (given.kind) {
    case 'document':
      return readDocument(given.door, given.bytes, { ...target, lookup });
    case 'admission':
      return readAdmissionReview(given.document, { cluster: null, lookup }).intake ?? NOTHING;
    case 'evaluate': {
      const body = { namespace, account, region, ...(given.document as object) };
      const { request } = parseParts({ request: [requestSchema, body] });
      return { resources: toPricedResources(request as ReturnType<typeof requestSchema.parse>, prices, CURRENCY), notices: [] };
    }
    default:
      return given satisfies never;
  }
}
