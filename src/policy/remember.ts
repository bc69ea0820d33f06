/**
 * `make`, asked once for each key: the same answer to the same question, kept. Requests bring any keys they like, so past `most`
 * different ones all are forgotten, and a text of over `MAX_TEXT` characters is not kept at all.
 * What is made must never be changed: everyone who asks gets the same object.
 */
export function remember<K, V extends {}>(most: number, make: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    const before = known.get(key);
    if (before !== undefined) return before;
    const made = make(key);
    if (typeof key === 'string' && key.length > MAX_TEXT) return made;
    if (known.size >= most) known.clear();
    known.set(key, made);
    return made;
  };
}

const MAX_TEXT = 256;
