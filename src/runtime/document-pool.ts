import { Worker } from 'node:worker_threads';
import { type ReadOpaBody, readOpaBody } from '../api/opa-document.js';
import { prepareDocument, type ReadDocument } from '../api/prepare.js';
import { TollgateError } from '../errors.js';
import type { DocumentJob, DocumentOutcome, Made } from './document-thread.js';
import { unpackIntake, unpackOpaInput } from './packed-intake.js';

/** Reads small documents at once and large ones in threads. */
export interface DocumentPool {
  readonly read: ReadDocument;
  readonly readOpaBody: ReadOpaBody;
  /** Ends the threads; what they were reading fails as `unavailable`. */
  readonly close: () => Promise<void>;
}

export interface DocumentPoolOptions {
  /** In bytes: shorter documents are read at once, in a few milliseconds. @default 128 KiB */
  readonly threadFrom?: number;
  /** @default 2 */
  readonly threads?: number;
  /** Documents that may wait for a thread; more are refused. @default 16 */
  readonly waiting?: number;
  /** How long one document may take. @default 30 s */
  readonly timeoutMs?: number;
}

/** Enough for a document of 32 MiB; what would take more ends its thread and not the API. */
const THREAD_MEMORY_MB = 1_024;

interface Waiting {
  readonly job: DocumentJob;
  readonly resolve: (made: Made<DocumentJob>) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  current: Waiting | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** Threads are started when they are first needed, and kept. They do not keep the process alive. */
export function createDocumentPool(options: DocumentPoolOptions = {}): DocumentPool {
  const { threadFrom = 128 * 1024, threads: most = 2, waiting: mostWaiting = 16, timeoutMs = 30_000 } = options;
  const threads = new Set<Thread>();
  const queue: Waiting[] = [];

  function start(): Thread {
    const thread: Thread = { worker: startWorker(), current: undefined, timer: undefined };
    thread.worker.on('message', (outcome: DocumentOutcome) => {
      settle(take(thread), outcome);
      next(thread);
    });
    thread.worker.on('error', (error) => lose(thread, lossOf(error)));
    thread.worker.on('exit', () => lose(thread, unavailable('the thread that read the document has ended')));
    threads.add(thread);
    return thread;
  }

  function take(thread: Thread): Waiting | undefined {
    const { current } = thread;
    clearTimeout(thread.timer);
    thread.current = undefined;
    return current;
  }

  /** Its document fails; those that wait go to another thread. */
  function lose(thread: Thread, error: Error): void {
    if (!threads.delete(thread)) return;
    take(thread)?.reject(error);
    void thread.worker.terminate();
    if (queue.length > 0) next(start());
  }

  function next(thread: Thread): void {
    const waiting = queue.shift();
    thread.current = waiting;
    if (waiting === undefined) return thread.worker.unref();
    thread.worker.ref();
    thread.timer = setTimeout(() => lose(thread, unavailable('the document took too long to read')), timeoutMs);
    thread.worker.postMessage(waiting.job, ownBuffer(waiting.job.bytes));
  }

  function dispatch(): void {
    const idle = [...threads].find(({ current }) => current === undefined) ?? (threads.size < most ? start() : undefined);
    if (idle !== undefined) next(idle);
  }

  /** The job's bytes are handed over. */
  function run<J extends DocumentJob>(job: J): Promise<Made<J>> {
    if (queue.length >= mostWaiting) return Promise.reject(unavailable('too many large documents at once; try again'));
    return new Promise((resolve, reject) => {
      // A thread answers a job with what that job makes.
      queue.push({ job, resolve: resolve as Waiting['resolve'], reject });
      dispatch();
    });
  }

  return {
    async read(door, bytes, context) {
      if (bytes.length < threadFrom) return prepareDocument(door, bytes, context);
      const { currency, namespace, account, region } = context;
      return unpackIntake(await run({ door, bytes: ownBytes(bytes), target: { currency, namespace, account, region } }));
    },
    async readOpaBody(body, opa, lookup) {
      if (body.length < threadFrom) return readOpaBody(body, opa, lookup);
      return unpackOpaInput(await run({ bytes: ownBytes(body), opa }));
    },
    async close() {
      const closing = [...threads];
      for (const { reject } of queue.splice(0)) reject(unavailable('the API is stopping'));
      for (const thread of closing) lose(thread, unavailable('the API is stopping'));
      await Promise.all(closing.map(({ worker }) => worker.terminate()));
    },
  };
}

/** From the sources too, where tests and benches run: there the thread has to load a compiler first. */
function startWorker(): Worker {
  const resourceLimits = { maxOldGenerationSizeMb: THREAD_MEMORY_MB };
  const isSource = import.meta.url.endsWith('.ts');
  const url = new URL(isSource ? './document-thread.ts' : './document-thread.js', import.meta.url);
  if (!isSource) return new Worker(url, { resourceLimits });
  const code = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(url.href)}); });`;
  return new Worker(code, { eval: true, resourceLimits });
}

function settle(waiting: Waiting | undefined, outcome: DocumentOutcome): void {
  if ('made' in outcome) waiting?.resolve(outcome.made);
  else if ('failed' in outcome) waiting?.reject(new Error(outcome.failed));
  else waiting?.reject(new TollgateError(outcome.refused.code, outcome.refused.message, { problems: outcome.refused.problems }));
}

function lossOf(error: unknown): Error {
  if ((error as { code?: unknown }).code !== 'ERR_WORKER_OUT_OF_MEMORY') return error as Error;
  return new TollgateError('too-large', 'the document takes more memory than there is for one');
}

function unavailable(message: string): TollgateError {
  return new TollgateError('unavailable', message);
}

/** Bytes that share their buffer with others are copied, since a buffer is handed over whole. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : Uint8Array.prototype.slice.call(bytes);
}

function ownBuffer(bytes: Uint8Array): ArrayBuffer[] {
  return bytes.buffer instanceof ArrayBuffer ? [bytes.buffer] : [];
}
