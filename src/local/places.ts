import { homedir } from 'node:os';
import { join } from 'node:path';

/** What may be made again at any time and is shared by all installations of this user. */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'tollgate');
}
