/** What every stored document has. The store sets all of these. */
export interface Document {
  /** 24 hexadecimal digits, or a name of our making where the name must be unique. */
  readonly id: string;
  /** Grows by one at each write; a write says which version it read, and is refused if that is no longer current. */
  readonly version: number;
  /** The form of the document; `store/migrations` lifts older ones. */
  readonly schemaVersion: number;
  /** ISO 8601, UTC, milliseconds. */
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** A document before it was stored. An `id` may be given, where it is a name. */
export type Draft<T extends Document> = Omit<T, keyof Document> & { readonly id?: string };
