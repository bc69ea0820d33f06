import { isKeys } from '../loose.js';

/** `tags`, `tags_all`, `resource_labels`; objects of Kubernetes have theirs within. */
const FOR_TAGS = /(?:^|_)(?:tags?|labels?)(?:_all)?$|^(?:metadata|manifest)$/;

/**
 * Whether resources of its type carry tags, as far as a planned change tells: a plan names every attribute that the type has, null and
 * unknown ones too. A change without an `id` is not written so, and tells nothing: true.
 */
export function isTaggable({ after, after_unknown: unknown }: { readonly after?: unknown; readonly after_unknown?: unknown }): boolean {
  const places = [after, unknown].filter(isKeys);
  const has = (name: string) => places.some((place) => Object.hasOwn(place, name));
  return has('tags') || has('labels') || !has('id') || places.some((place) => Object.keys(place).some((name) => FOR_TAGS.test(name)));
}
