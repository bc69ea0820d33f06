import { type Logger, type LoggerOptions, pino } from 'pino';

/** What must never be in a log, wherever it turns up. */
const SECRETS = ['authorization', 'token', 'password', 'secret', 'apiKey', 'connectionString'];
const REDACTED = SECRETS.flatMap((name) => [name, `*.${name}`, `req.headers.${name}`]);

/** A line for each request, written one by one, would cost more than the request. */
const BUFFERED_CHARACTERS = 64_000;
/** So long at most a line waits; it is written at the end of the process too. Being killed loses what waits. */
const FLUSH_MS = 100;

/**
 * One JSON object a line on stdout, with `service`, `time` in ISO 8601 and the fields that a call gives; ids among them lead to the
 * workflow (`workflow_id`), the request (`request_id`) or the fact. Secrets are cut out by name.
 */
export function createLog(service: 'api' | 'worker', level: string): Logger {
  const stdout = pino.destination({ dest: 1, sync: false, minLength: BUFFERED_CHARACTERS, maxWrite: 2 * BUFFERED_CHARACTERS });
  setInterval(() => stdout.flush(), FLUSH_MS).unref();
  const options: LoggerOptions = {
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: REDACTED, censor: '[redacted]' },
  };
  return pino(options, stdout);
}
