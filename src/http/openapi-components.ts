import { z } from 'zod';

/** A JSON Schema (draft 2020-12), as OpenAPI 3.1 holds it. */
export type Schema = Record<string, unknown>;

/** The schemas with an id, which an OpenAPI document lists once and refers to. */
export interface Components {
  /** The schema as it is written in the document: itself, or a reference to what is listed. */
  refer(schema: z.ZodType, io: 'input' | 'output'): Schema;
  schemas(): Record<string, Schema>;
}

export function createComponents(): Components {
  const schemas = new Map<string, Schema>();
  /** By name, what Zod made of it: tells whether a name means the same. */
  const originals = new Map<string, string>();

  const nameFor = (id: string, definition: Schema, io: 'input' | 'output'): string => {
    const original = JSON.stringify(definition);
    const base = id.startsWith('__') ? 'Schema' : id;
    const taken = (name: string): boolean => originals.has(name) && originals.get(name) !== original;
    let name = taken(base) && io === 'input' ? `${base}Input` : base;
    for (let number = 2; taken(name); number++) name = `${base}${number}`;
    originals.set(name, original);
    return name;
  };

  return {
    refer: (schema, io) => {
      const { definitions, body } = toJsonSchema(schema, io);
      const names = new Map(definitions.map(([id, definition]) => [id, nameFor(id, definition, io)]));
      for (const [id, definition] of definitions) schemas.set(names.get(id) ?? id, rename(definition, names) as Schema);
      return rename(body, names) as Schema;
    },
    schemas: () => Object.fromEntries([...schemas].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): { definitions: [string, Schema][]; body: Schema } {
  // Zod lists schemas with an id under $defs, all but the outermost: so one more is put around ours.
  const around = z.toJSONSchema(z.object({ schema }), {
    io,
    unrepresentable: 'any',
    // Zod closes the objects that we answer; clients must expect fields that come later.
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod;
      if (def.type === 'object' && !('catchall' in def && def.catchall !== undefined))
        delete jsonSchema.additionalProperties;
    },
  });
  return {
    definitions: Object.entries(around.$defs ?? {}),
    body: around.properties?.schema as Schema,
  };
}

/** Turns references to Zod's $defs into references to the document's components. */
function rename(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((item) => rename(item, names));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const id = key === '$ref' && typeof inner === 'string' ? /^#\/\$defs\/(.+)$/.exec(inner)?.[1] : undefined;
      return [key, id === undefined ? rename(inner, names) : `#/components/schemas/${names.get(id) ?? id}`];
    }),
  );
}
