import { type Logger, type LoggerOptions, pino } from 'pino';

/** What must never be in a log, wherever it turns up. */
const SECRETS = ['authorization', 'token', 'password', 'secret', 'apiKey', 'connectionString'];
const REDACTED = SECRETS.flatMap((name) => [name, `*.${name}`, `req.headers.${name}`]);

/** Whoever read our lines is gone: that must not end what we do, nor keep us from ending. pino's own stream waits for ever then. */
process.stdout.on('error', () => {});

/**
 * One JSON object a line on stdout, with `service`, `time` in ISO 8601 and the fields that a call gives; ids among them lead to the
 * workflow (`workflow_id`), the request (`request_id`) or the fact. Secrets are cut out by name.
 */
export function createLog(service: 'api' | 'worker', level: string): Logger {
  const options: LoggerOptions = {
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: REDACTED, censor: '[redacted]' },
  };
  return pino(options, linesOfATurn());
}

/** The lines of one turn of the event loop go out in one write: a write for each costs a busy gate as much as its judging. */
function linesOfATurn(): { readonly write: (line: string) => void } {
  let lines = '';
  const flush = () => {
    if (lines !== '') process.stdout.write(lines);
    lines = '';
  };
  process.on('exit', flush);
  return {
    write(line) {
      if (lines === '') setImmediate(flush);
      lines += line;
    },
  };
}
