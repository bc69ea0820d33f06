import type { ApiClient, ApiReply } from './client.js';
import { CliError } from './context.js';

/** As `tollgate doctor` prints what it finds. */
interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly message: string;
  readonly remedy: string | null;
}

interface Asked {
  readonly server: string;
  readonly token: string | undefined;
  /** Whether somebody named the server or the token; without, none has to run. */
  readonly isNamed: boolean;
}

/** Whether the server answers, and whose token it is; nothing where there is neither a name nor a token. */
export async function checkServer(api: ApiClient, { server, token, isNamed }: Asked): Promise<readonly Check[]> {
  if (!isNamed && token === undefined) return [];
  try {
    // for admins only: who is none is told by name
    const reply = await api.send('GET', 'v1/tokens', { query: { limit: 1 }, accept: [200, 401, 403] });
    return [fine('server', `answers at ${server}`), checkToken(reply, token)];
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    if (!isNamed) return [fine('server', `none runs at ${server}`)];
    const [message = '', ...remedy] = error.message.split('\n');
    return [{ name: 'server', ok: false, message, remedy: remedy.join('\n') || 'correct TOLLGATE_URL' }];
  }
}

function checkToken({ status, body }: ApiReply, token: string | undefined): Check {
  if (status === 200) return fine('token', 'of an admin');
  if (status === 403) return fine('token', `${/^`[^`]+`/.exec(String(body['detail']))?.[0] ?? 'somebody'}, who is no admin`);
  const message = token === undefined ? 'none is given' : 'not known there, or expired, or revoked';
  return { name: 'token', ok: false, message, remedy: 'set TOLLGATE_TOKEN to one that `tollgate token create` shows' };
}

function fine(name: string, message: string): Check {
  return { name, ok: true, message, remedy: null };
}
