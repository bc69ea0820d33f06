import type { Resource } from '../src/policy/model.js';

const costCenter = /^CC-[0-9]{6}$/;
const owner = /^[a-z]+@company\.com$/;
const environments = new Set(['production', 'staging', 'development', 'sandbox']);

/** What somebody would write by hand for exactly the two policies of the document: messages, and nothing else of what the core gives. */
export function handWritten(resource: Resource): readonly string[] {
  const messages: string[] = [];
  if (resource.namespace === 'production') addLimits(messages, resource);
  addTags(messages, resource.tags);
  return messages;
}

function addLimits(messages: string[], { type, specs }: Resource): void {
  const limits = type === 'compute/instance' ? { vcpus: 16, memory: 64 } : { vcpus: 8, memory: Number.POSITIVE_INFINITY };
  if ((specs.vcpus ?? 0) > limits.vcpus) messages.push(`Requested ${specs.vcpus} vCPUs exceeds limit of ${limits.vcpus}`);
  if ((specs.memoryGb ?? 0) > limits.memory) messages.push(`Requested ${specs.memoryGb}GB memory exceeds limit of ${limits.memory}GB`);
  const family = specs.instanceFamily;
  if (type === 'compute/instance' && family !== 'general-purpose' && family !== 'compute-optimized')
    messages.push(`Instance family '${family}' is not allowed`);
  if (type === 'database/instance' && (specs.storageGb ?? 0) > 500)
    messages.push(`Requested ${specs.storageGb}GB storage exceeds limit of 500GB`);
}

function addTags(messages: string[], tags: Resource['tags']): void {
  const center = tags['cost-center'];
  if (center === undefined) messages.push("Required tag 'cost-center' is missing");
  else if (!costCenter.test(center)) messages.push(`Tag 'cost-center' value '${center}' does not match required pattern`);
  const environment = tags['environment'];
  if (environment === undefined) messages.push("Required tag 'environment' is missing");
  else if (!environments.has(environment)) messages.push(`Tag 'environment' value '${environment}' is not in allowed values`);
  const mail = tags['owner'];
  if (mail === undefined) messages.push("Required tag 'owner' is missing");
  else if (!owner.test(mail)) messages.push(`Tag 'owner' value '${mail}' does not match required pattern`);
  const project = tags['project'];
  if (project === undefined) messages.push("Required tag 'project' is missing");
  else if (project.length < 3 || project.length > 50) messages.push("Tag 'project' has a wrong length");
}
