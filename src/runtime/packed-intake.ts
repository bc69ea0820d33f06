/** How what a thread has read comes to the event loop, without holding it up. */
import type { OpaInput } from '../api/opa-document.js';
import type { PreparedIntake } from '../api/prepare.js';
import { inSlices, pause } from '../api/slices.js';
import type { Resource } from '../policy/model.js';

/**
 * Resources as JSON texts of some hundred each: a message with the resources themselves is taken apart at once, which for a plan of
 * thousands takes longer than the event loop may stand still, and for a small one twice as long as its text.
 */
export interface PackedIntake extends Omit<PreparedIntake, 'resources'> {
  readonly resourceTexts: readonly string[];
}

export function packIntake({ resources, ...rest }: PreparedIntake): PackedIntake {
  return { ...rest, resourceTexts: inSlices(resources).map((slice) => JSON.stringify(slice)) };
}

export async function unpackIntake({ resourceTexts, ...rest }: PackedIntake): Promise<PreparedIntake> {
  const resources: Resource[] = [];
  for (const [index, text] of resourceTexts.entries()) {
    if (index > 0) await pause();
    for (const resource of JSON.parse(text) as readonly Resource[]) resources.push(resource);
  }
  return { ...rest, resources };
}

/** As `OpaInput`, for the same reason. */
export type PackedOpaInput =
  | Exclude<OpaInput, { readonly kind: 'document' }>
  | { readonly kind: 'document'; readonly intake: PackedIntake; readonly dryRun: boolean };

export function packOpaInput(input: OpaInput | undefined): PackedOpaInput | undefined {
  return input?.kind === 'document' ? { ...input, intake: packIntake(input.intake) } : input;
}

export async function unpackOpaInput(input: PackedOpaInput | undefined): Promise<OpaInput | undefined> {
  return input?.kind === 'document' ? { ...input, intake: await unpackIntake(input.intake) } : input;
}
