import type { Document } from '../model/document.ts';
import type { Collection, Query } from '../store/repository.ts';

const pageSize = 1000;

/** Every document that matches, page by page: memory stays bounded by one page. */
export async function* eachPage<T extends Document>(
  collection: Collection<T>,
  query: Omit<Query, 'limit' | 'after'>,
  limit: number = pageSize,
): AsyncGenerator<readonly T[]> {
  let page = await collection.find({ ...query, limit });
  yield page.items;
  while (page.next !== undefined) {
    page = await collection.find({ ...query, limit, skip: 0, after: page.next });
    yield page.items;
  }
}

/** All documents that match, from `skip` on, at most `top` of them. For small documents only. */
export async function findAll<T extends Document>(
  collection: Collection<T>,
  query: Omit<Query, 'limit' | 'after'>,
  top: number = Number.POSITIVE_INFINITY,
): Promise<T[]> {
  const found: T[] = [];
  for await (const items of eachPage(collection, query, Math.min(top, pageSize))) {
    found.push(...items);
    if (found.length >= top) break;
  }
  return found.slice(0, top);
}

/** Each item of each page in another form. */
export async function* mapped<T>(
  pages: AsyncGenerator<readonly T[]>,
  form: (item: T) => unknown,
): AsyncGenerator<unknown[]> {
  for await (const items of pages) yield items.map(form);
}
