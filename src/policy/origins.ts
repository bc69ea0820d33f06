/** Which hosts the house calls when somebody else names an address. Pure. */

/** `https://app.terraform.io` of `app.terraform.io`, of an origin itself; null for what is neither. */
export function originOf(host: string): string | null {
  const url = parseUrl(host.includes('://') ? host : `https://${host}`);
  const isBare = url !== null && url.pathname === '/' && url.search === '' && url.hash === '' && !host.endsWith('/');
  return isBare && hasNoSecrets(url) && /^https?:$/.test(url.protocol) ? url.origin : null;
}

/** The address, where it is on one of the origins: scheme, name and port are all compared. Null for every other one. */
export function allowedUrl(address: string, origins: readonly string[]): URL | null {
  const url = parseUrl(address);
  return url !== null && hasNoSecrets(url) && origins.includes(url.origin) ? url : null;
}

/** A name and password in an address would be sent along. */
function hasNoSecrets({ username, password }: URL): boolean {
  return username === '' && password === '';
}

function parseUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
