import type { Document } from '../../model/document.ts';

/** Longer texts are parsed each time: one of them would push out hundreds that are asked for again. */
const maxShare = 64;

/**
 * Parses documents, and hands out the same frozen object for the same text: lists of nodes are read far more often than
 * nodes change, and parsing is most of what a list costs. What is kept is found by its text, so it cannot be out of date.
 * At most `maxCharacters` of text are kept; with the objects that takes about four times as many bytes.
 */
export function createDocumentCache(maxCharacters: number): (json: string) => Document {
  // What was asked for lately, and what before that; where the young are half of all, the old are let go.
  let young = new Map<string, Document>();
  let old = new Map<string, Document>();
  let youngCharacters = 0;

  const keep = (json: string, document: Document): Document => {
    if (youngCharacters + json.length > maxCharacters / 2) {
      old = young;
      young = new Map();
      youngCharacters = 0;
    }
    young.set(json, document);
    youngCharacters += json.length;
    return document;
  };

  return (json) => {
    const known = young.get(json);
    if (known !== undefined) return known;
    if (json.length > maxCharacters / maxShare) return JSON.parse(json) as Document;
    return keep(json, old.get(json) ?? deepFreeze(JSON.parse(json) as Document));
  };
}

/** Documents nest no deeper than the store allows, so neither does this. */
function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value))
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner as object);
  return Object.freeze(value);
}
