/** `T` whose optional keys are there with a value, or not at all. */
export type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** A copy without the keys that hold undefined: what was not given must not be written over what is stored. */
export function present<T extends object>(fields: T): Present<T> {
  // A plain loop: lists of nodes come through here three times a node.
  const copy: Partial<T> = {};
  for (const key of Object.keys(fields) as (keyof T)[]) if (fields[key] !== undefined) copy[key] = fields[key];
  return copy as Present<T>;
}
