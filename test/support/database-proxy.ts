import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a database that can be cut like a cable, while everything else goes on using the database directly. */
export interface DatabaseProxy {
  readonly connectionString: string;
  /** Breaks all connections and refuses new ones. */
  cut(): void;
  /** Keeps connections and lets nothing through: a server that hangs. */
  stall(): void;
  /** Lets everything through again. */
  restore(): void;
  close(): Promise<void>;
}

export async function createDatabaseProxy(connectionString: string): Promise<DatabaseProxy> {
  const target = new URL(connectionString);
  const pairs = new Set<readonly [Socket, Socket]>();
  let state: 'open' | 'cut' | 'stalled' = 'open';
  const server = createServer((client) => {
    if (state === 'cut') {
      client.destroy();
      return;
    }
    const upstream = connect(Number(target.port), target.hostname);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.on('error', () => {});
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
      from.pipe(to);
      if (state === 'stalled') from.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const each = (act: (socket: Socket) => unknown) => {
    for (const pair of pairs) for (const socket of pair) act(socket);
  };
  const proxied = new URL(connectionString);
  proxied.port = String((server.address() as AddressInfo).port);
  return {
    connectionString: proxied.href,
    cut: () => {
      state = 'cut';
      each((socket) => socket.destroy());
    },
    stall: () => {
      state = 'stalled';
      each((socket) => socket.pause());
    },
    restore: () => {
      state = 'open';
      each((socket) => socket.resume());
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        each((socket) => socket.destroy());
      }),
  };
}
