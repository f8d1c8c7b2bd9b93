import type { Migration } from './lift.ts';

/** A graph's `nodeEvents` became the name of what it is to its node; `true` was said of discoveries only. */
export const definitionsToPurposes: Migration = {
  from: 1,
  to: 2,
  lift(definition) {
    const body = definition.body as Readonly<Record<string, unknown>>;
    const { nodeEvents, ...rest } = body;
    if (typeof nodeEvents !== 'boolean') return definition;
    return { ...definition, body: nodeEvents ? { ...rest, nodeEvents: 'discover' } : rest };
  },
};
