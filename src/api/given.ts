type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the members that are undefined, for options that may be absent but not undefined. */
export function given<T extends object>(options: T): Given<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Given<T>;
}
