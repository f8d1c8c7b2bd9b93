import { InputError } from '../errors.ts';
import type { Fact, NewFact } from '../model/fact.ts';
import type { Store } from '../store/collections.ts';

export type NumberedFact = NewFact & { readonly id: string };

export interface InsertOutcome {
  /** Those that the store failed to take; they may be tried again. */
  readonly unwritten: readonly NumberedFact[];
  /** How many can never be stored. */
  readonly refused: number;
  /** The last fault, if there was one. */
  readonly error?: unknown;
}

/** The facts in the store. */
export interface FactTable {
  /** Writes facts under their ids; one that is there already counts as written. Never rejects. */
  readonly insert: (facts: readonly NumberedFact[]) => Promise<InsertOutcome>;
}

/** `written` is told of all that are new, in their order. */
export function createFactTable(
  facts: Store['facts'],
  now: () => Date,
  written: (facts: readonly Fact[]) => void,
): FactTable {
  const insertOne = (fact: NumberedFact): ReturnType<Store['facts']['insert']> =>
    facts.insert({ ...fact, at: fact.at ?? now().toISOString(), data: fact.data ?? {} });

  return {
    async insert(batch) {
      const results = await Promise.allSettled(batch.map(insertOne));
      const unwritten: NumberedFact[] = [];
      const news: Fact[] = [];
      let refused = 0;
      let error: unknown;
      results.forEach((result, index) => {
        const fact = batch[index];
        if (result.status === 'fulfilled') {
          if (result.value.ok) news.push(result.value.document);
          return;
        }
        error = result.reason;
        if (result.reason instanceof InputError) refused += 1;
        else if (fact) unwritten.push(fact);
      });
      if (news.length > 0) written(news);
      return error === undefined ? { unwritten, refused } : { unwritten, refused, error };
    },
  };
}
