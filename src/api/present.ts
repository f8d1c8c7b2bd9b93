/** `T` whose optional keys are there with a value, or not at all. */
export type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** A copy without the keys that hold undefined: what was not given must not be written over what is stored. */
export function present<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;
}
