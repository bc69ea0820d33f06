import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Servers on ports of their own, which `close` ends together with their connections. */
export function createServers(): { readonly listen: (listener: RequestListener) => Promise<number>; readonly close: () => void } {
  const servers: Server[] = [];
  return {
    async listen(listener) {
      const server = createServer(listener);
      servers.push(server);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    },
    close() {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}
