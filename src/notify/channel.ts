/** A message as a channel delivers it: plain words, made by `words.ts`. */
export interface OutgoingNotice {
  readonly id: string;
  readonly subject: string;
  readonly stage: string;
  readonly recipient: string;
  readonly title: string;
  readonly body: string;
  /** Ids of the notices of which this is the digest, its own the first; just its own when it is none. */
  readonly merged: readonly string[];
}

/** A way to reach people. `deliver` is called again with the same `id` after a failure, so a channel that can deduplicate uses it. */
export interface Channel {
  readonly name: string;
  deliver(notice: OutgoingNotice, signal?: AbortSignal): Promise<void>;
}

export type Channels = ReadonlyMap<string, Channel>;
