import { createServer, type IncomingMessage } from 'node:http';
import { compilePolicies } from '../src/policy/compile.js';
import { evaluateRequest } from '../src/policy/evaluate.js';
import { NO_EXCEPTIONS } from '../src/policy/exception.js';
import { gatePolicies } from './gate-policies.js';
import { resourcesOf } from './requests.js';

/** The floor: Node's own `http` and the evaluator, and nothing else: no token, no check of the body, no log. */
const compiled = compilePolicies(gatePolicies());

createServer((req, res) => {
  collect(req, (body) => {
    const resources = resourcesOf([JSON.parse(body) as Record<string, unknown>]);
    const decision = evaluateRequest(compiled, NO_EXCEPTIONS, { resources }, Date.now());
    const text = JSON.stringify(decision);
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    res.end(text);
  });
}).listen(Number(process.env['PORT']), '127.0.0.1');

function collect(req: IncomingMessage, done: (body: string) => void): void {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => done(Buffer.concat(chunks).toString()));
}
