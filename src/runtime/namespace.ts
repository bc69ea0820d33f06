import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { TollgateError } from '../errors.js';
import { SEARCH_ATTRIBUTES } from '../workflows/messages.js';

type Service = Pick<Connection, 'workflowService' | 'operatorService'>;

const RETENTION_DAYS = 90;
const ALREADY_EXISTS = 6;
const NOT_FOUND = 5;
/** INVALID_ARGUMENT, PERMISSION_DENIED, UNIMPLEMENTED: asking again gives the same answer. */
const NOT_FOR_US: readonly number[] = [3, 7, 12];
/** `IndexedValueType` of the server's API. */
const TYPE_NUMBERS = { TEXT: 1, KEYWORD: 2, INT: 3, DOUBLE: 4, BOOL: 5, DATETIME: 6, KEYWORD_LIST: 7 } as const;

/** Makes a namespace on a server of our own: it keeps closed workflows for 90 days and has our search attributes. Safe to repeat. */
export async function prepareNamespace(connection: Service, namespace: string): Promise<void> {
  const retention = { seconds: RETENTION_DAYS * 86_400 } as never;
  try {
    await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: retention });
  } catch (error) {
    if ((error as { code?: number }).code !== ALREADY_EXISTS) throw error;
    await connection.workflowService.updateNamespace({ namespace, config: { workflowExecutionRetentionTtl: retention } });
  }
  await ensureSearchAttributes(connection, namespace);
}

/**
 * Registers those of our search attributes that the namespace lacks, and returns when the server knows them.
 * @throws invalid-configuration when one has another type, or when this server does not let us add them (Temporal Cloud): the message names the missing ones
 */
export async function ensureSearchAttributes(connection: Service, namespace: string): Promise<void> {
  const missing = await retryNotFound(() => missingSearchAttributes(connection, namespace));
  if (missing.length === 0) return;
  const searchAttributes = Object.fromEntries(missing.map(({ name, type }) => [name, TYPE_NUMBERS[type]]));
  try {
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  } catch (error) {
    if (!NOT_FOR_US.includes((error as { code?: number }).code ?? 0)) throw error;
    const wanted = missing.map(({ name, type }) => `${name} (${type})`).join(', ');
    throw new TollgateError('invalid-configuration', `create these search attributes in namespace \`${namespace}\`: ${wanted}`, {
      cause: error,
    });
  }
  for (let tries = 0; (await missingSearchAttributes(connection, namespace)).length > 0; tries += 1) {
    if (tries > 100) throw new TollgateError('unavailable', `search attributes of namespace \`${namespace}\` do not appear`);
    await sleep(100);
  }
}

/** Those of ours that the namespace lacks. A worker must not start before there are none: a workflow that sets one would stall silently. */
export async function missingSearchAttributes(connection: Service, namespace: string): Promise<(typeof SEARCH_ATTRIBUTES)[number][]> {
  const have = (await connection.operatorService.listSearchAttributes({ namespace })).customAttributes ?? {};
  for (const { name, type } of SEARCH_ATTRIBUTES) {
    // Adding an existing name with another type answers OK and changes nothing, so types are compared here.
    if (name in have && have[name] !== TYPE_NUMBERS[type]) {
      throw new TollgateError('invalid-configuration', `search attribute \`${name}\` of namespace \`${namespace}\` is not of type ${type}`);
    }
  }
  return SEARCH_ATTRIBUTES.filter(({ name }) => !(name in have));
}

/** A new namespace takes up to 10 s to be known everywhere in a cluster. */
async function retryNotFound<T>(work: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + 15_000; ; await sleep(200)) {
    try {
      return await work();
    } catch (error) {
      if ((error as { code?: number }).code !== NOT_FOUND || Date.now() > end) throw error;
    }
  }
}
