/** Starts a PostgreSQL server in the directory that is given, says where, and waits to be killed. */
import { startPostgres } from '../../src/local/postgres.js';

const server = await startPostgres({ directory: process.argv[2] ?? '', durable: false });
process.stdout.write(`${JSON.stringify({ pid: server.pid, url: await server.database('tollgate') })}\n`);
process.stdin.resume();
