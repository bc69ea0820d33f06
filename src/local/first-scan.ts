import { setTimeout as sleep } from 'node:timers/promises';

interface FirstScanOptions {
  readonly url: string;
  readonly token: string;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** The fields of a scan that are shown. */
interface Scan {
  readonly id: string;
  readonly status: string;
  readonly resources_scanned: number;
  readonly violations_found: number;
  readonly compliance_score: number | null;
  readonly status_word: string | null;
  readonly duration_seconds: number | null;
}

/** Starts a scan when the installation has never had one, and shows its summary when it is done. */
export async function followFirstScan(options: FirstScanOptions): Promise<void> {
  const { say, signal } = options;
  try {
    const { items } = await call<{ items: Scan[] }>(options, 'GET', '/v1/scans?limit=1');
    if (items.length > 0) return;
    say('first scan   running');
    let scan = await call<Scan>(options, 'POST', '/v1/scans', {});
    while (scan.status === 'running') {
      await sleep(500, undefined, { signal });
      scan = await call<Scan>(options, 'GET', `/v1/scans/${scan.id}`);
    }
    const score = scan.compliance_score === null ? 'no score' : `score ${scan.compliance_score}`;
    const word = scan.status_word === null ? '' : ` (${scan.status_word})`;
    say(
      `first scan   ${scan.status} in ${scan.duration_seconds ?? 0} s: ${scan.resources_scanned} resources, ${scan.violations_found} violations, ${score}${word}`,
    );
  } catch (error) {
    if (!signal.aborted)
      say(`first scan   could not be followed: ${error instanceof Error ? error.message : String(error)}; \`tollgate scan\` starts one`);
  }
}

async function call<T>({ url, token, signal }: FirstScanOptions, method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(`${url}${path}`, {
    method,
    signal,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${(await response.text()).slice(0, 200)}`);
  return (await response.json()) as T;
}
