import { createCatalog } from '../cloud/catalog/catalog.js';
import type { Providers } from '../cloud/provider.js';
import { createSimulatedProvider } from '../cloud/simulated/provider.js';
import { TollgateError } from '../errors.js';
import type { Pool } from '../store/db.js';

/** The clouds of this installation. */
export function createProviders(pool: Pool): Providers {
  const simulated = createSimulatedProvider({ pool, catalog: createCatalog() });
  const byName = new Map([[simulated.name, simulated]]);
  const names = [...byName.keys()];
  return {
    names,
    get(name) {
      const provider = byName.get(name);
      if (provider === undefined) throw new TollgateError('not-found', `there is no provider \`${name}\`, only ${names.join(', ')}`);
      return provider;
    },
  };
}
