import type { IncomingMessage, ServerResponse } from 'node:http';
import { newId } from '../ids.js';

/**
 * One request and its answer over Node's own types, whichever listener took it: what is known of the caller so far, and the headers
 * that the answer will have.
 */
export class Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly requestId = newId('req');
  readonly began = performance.now();
  /** For the log line and the metrics. */
  principal: string | undefined;
  workflowId: string | undefined;
  route = 'none';
  /** Methods that the path serves, as far as it was looked at. */
  allowed: readonly string[] | undefined;
  readonly #headers: string[];

  /** `headers` are those of every answer: name, value, name, value … */
  constructor(req: IncomingMessage, res: ServerResponse, headers: readonly string[]) {
    this.req = req;
    this.res = res;
    this.#headers = [...headers, 'x-request-id', this.requestId];
  }

  /** Without the query. */
  get path(): string {
    // Express shortens `url` for what it mounts.
    const url = (this.req as { originalUrl?: string }).originalUrl ?? this.req.url ?? '';
    const query = url.indexOf('?');
    return query === -1 ? url : url.slice(0, query);
  }

  /** Of the answer. */
  addHeader(name: string, value: string): void {
    this.#headers.push(name, value);
  }

  /** Puts the headers so far on the answer itself, for what answers without `send`. */
  showHeaders(): void {
    for (let index = 0; index < this.#headers.length; index += 2)
      this.res.setHeader(this.#headers[index] as string, this.#headers[index + 1] as string);
  }

  send(status: number, headers: Readonly<Record<string, string>>, text?: string): void {
    const all = this.#headers;
    for (const name in headers) all.push(name, headers[name] as string);
    const bytes = text === undefined ? 0 : Buffer.byteLength(text);
    if (text !== undefined || status !== 204) all.push('content-length', String(bytes));
    this.res.writeHead(status, all);
    // What is ASCII alone is the same in both, and Latin-1 is written without being encoded.
    this.res.end(text, bytes === text?.length ? 'latin1' : 'utf8');
  }
}
