/** Pulumi previews (`pulumi preview --json`) as resources. Pure. */
import type { Resource } from '../../policy/model.js';
import type { Intake, Lookup } from '../intake.js';
import { looksLike, unexpectedDocument } from '../looks-like.js';
import { isKeys, type Keys, keysOf, listOf, textOf } from '../loose.js';
import { refuseTooMany } from '../most-resources.js';
import { createSteps, type PreviewContext, type Step } from './step.js';

export interface PulumiContext {
  readonly lookup: Lookup;
  readonly namespace: string | null;
  readonly account: string | null;
  readonly region: string | null;
}

/** Steps that make or change something; of a replacement, whichever of its steps comes first. */
const ASKED_FOR: ReadonlySet<string> = new Set(['create', 'update', 'replace', 'create-replacement', 'import', 'import-replacement']);

/** What a preview asks for. Components, stacks and providers are no resources of a cloud. @throws invalid-input for another document */
export function readPulumi(document: unknown, context: PulumiContext): Intake {
  if (!isKeys(document) || looksLike(document) !== 'pulumi-preview') throw unexpectedDocument('pulumi-preview', document);
  const all = listOf(document['steps']).filter(isKeys);
  const preview: PreviewContext = { ...context, config: keysOf(document['config']), steps: createSteps(all) };
  const seen = new Set<string>();
  const resources: Resource[] = [];
  for (const step of preview.steps.list) {
    if (!ASKED_FOR.has(step.op) || seen.has(step.urn) || !step.isOfCloud) continue;
    seen.add(step.urn);
    refuseTooMany(seen.size, 'steps');
    resources.push(...step.resources(preview));
  }
  return { resources, notices: noticesOf(document, preview.steps.list) };
}

function noticesOf(document: Keys, steps: readonly Step[]): readonly string[] {
  const errors = listOf(document['diagnostics'])
    .filter(isKeys)
    .filter(({ severity }) => severity === 'error' || severity === 'info#err')
    .flatMap(({ message }) => textOf(message)?.trim() ?? []);
  const counts = keysOf(document['changeSummary']);
  const counted = Object.entries(counts).filter(([op, count]) => ASKED_FOR.has(op) && typeof count === 'number' && count > 0);
  const lost = counted.length > 0 && steps.length === 0;
  return [
    ...errors.map((message) => `the preview is not complete: ${message.split('\n')[0]?.slice(0, 300) ?? ''}`),
    ...(lost ? ['the preview counts changes and shows none of them'] : []),
  ];
}
