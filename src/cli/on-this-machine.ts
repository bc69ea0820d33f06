/** Whether an address is of this machine's own loopback: the admin token that lies here is for nobody else. */
export function isOnThisMachine(server: string): boolean {
  const host = URL.canParse(server) ? new URL(server).hostname : '';
  return host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);
}
