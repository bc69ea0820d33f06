/** What every door has in common: a document of some tool becomes resources in our words, for the one engine. Pure. */
import type { Cost, Resource } from '../policy/model.js';

/** What a document asks for. */
export interface Intake {
  /** Creates, updates and replacements, in the order of the document; each with its `address` and, as far as it is known, its cost. */
  readonly resources: readonly Resource[];
  /** What a reader of the answer has to know: a plan that is incomplete, what was left out and why. Sentences, lower case. */
  readonly notices: readonly string[];
}

export type CatalogProvider = 'aws' | 'gcp' | 'azure';

/** What a type of instance or database is, by the provider's own catalog. */
export interface InstanceFacts {
  readonly vcpus: number;
  readonly memoryGb: number;
  readonly instanceFamily: string;
}

/** Facts and prices that doors look up; `createLookup` of the catalog makes it. Pure: the same answer each time. */
export interface Lookup {
  /** An instance type or database class, such as `m5.large`, `db.m5.large`, `n2-standard-4`, `Standard_D4s_v5`. */
  readonly instance: (provider: CatalogProvider, type: string) => InstanceFacts | undefined;
  /** `volume_type` in our words of a volume type, such as `gp3`, `pd-ssd`, `Premium_LRS`; undefined when it is not known. */
  readonly volumeType: (provider: CatalogProvider, type: string) => string | undefined;
  /** List price of a resource, for all of its `quantity`; unknown is null. `specs.instanceType` of a volume is the provider's type (`gp3`). */
  readonly price: (resource: Pick<Resource, 'provider' | 'type' | 'region' | 'specs' | 'quantity'>) => Cost;
}

/** Of a document that does not tell what is unknown in it: nothing of that is left to the apply. */
export function notTold(resource: Resource): Resource {
  return resource.unknownPaths === undefined ? resource : { ...resource, unknownReason: 'not given' };
}

/** A resource of which nothing is known yet but its kind; doors spread it and fill in what the document says. */
export function blankResource(type: string): Resource {
  return {
    id: null,
    type,
    name: null,
    provider: null,
    account: null,
    region: null,
    state: null,
    createdAt: null,
    namespace: null,
    tags: {},
    specs: {},
    cost: { hourly: null, monthly: null, source: 'none' },
    metrics: null,
    attachedTo: null,
    detachedAt: null,
    managedBy: null,
    address: null,
  };
}
