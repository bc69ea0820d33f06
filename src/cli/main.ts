#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommanderError } from 'commander';
import { TollgateError } from '../errors.js';
import { runningOn } from '../local/claim.js';
import { packageRoot } from '../package-root.js';
import { explain } from '../runtime/entry.js';
import { type CliContext, CliError } from './context.js';
import { EXIT } from './exit-code.js';
import { houseCommands } from './house.js';
import { isOnThisMachine } from './on-this-machine.js';
import { createProgram } from './program.js';

const env = process.env;
const dataDir = resolve(env['TOLLGATE_DATA_DIR'] || '.tollgate');

const context: CliContext = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  isTerminal: process.stderr.isTTY === true,
  width: process.stdout.isTTY ? process.stdout.columns : undefined,
  // an address that is given, else the one that runs on this data directory, else the usual one
  defaultServer: env['TOLLGATE_URL'] || runningOn(dataDir)?.url || `http://127.0.0.1:${env['TOLLGATE_PORT'] || '8080'}`,
  findToken: (server) => env['TOLLGATE_TOKEN'] || (isOnThisMachine(server) ? readToken() : undefined),
  loadPrices: async () => {
    const { createCatalog, PRICED_REGION, priceOfRequest } = await import('../cloud/catalog/catalog.js');
    const catalog = createCatalog();
    // as the server prices what it is asked about
    return {
      price: priceOfRequest(catalog),
      offers: () => catalog.offers(PRICED_REGION),
      lookup: catalog.lookup,
    };
  },
  setExitCode: (code) => {
    process.exitCode = code;
  },
  sleep: (ms) => sleep(ms),
};

function readToken(): string | undefined {
  try {
    return readFileSync(join(dataDir, 'admin-token'), 'utf8').trim();
  } catch {
    return undefined;
  }
}

// `tollgate report | head` closes the pipe when it has seen enough: that is no failure
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string };

try {
  const program = createProgram(context, version);
  houseCommands(program, context, env);
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  // commander has printed what it had to say: help and version are no failures
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.couldNotRun;
  if (error instanceof CliError) {
    context.err(`${error.message}\n`);
    return error.exitCode;
  }
  context.err(`${explain(error)}\n`);
  return error instanceof TollgateError && error.code === 'invalid-policy' ? EXIT.policyInvalid : EXIT.couldNotRun;
}
