import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { RawAnswer } from '../http/route.ts';

/**
 * Answers 200 with a JSON array, written page by page as the client takes it: catalogs of a whole data centre do not
 * fit into memory. The first page is read before the head is written, so that a fault there is still a whole answer.
 */
export async function streamArray(pages: AsyncGenerator<readonly unknown[]>): Promise<{ raw: RawAnswer }> {
  const first = await pages.next();
  return {
    raw: async (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
      response.write('[');
      let separator = '';
      for (let page = first; page.done !== true; page = await pages.next()) {
        for (const item of page.value) {
          if (!(await writeChunk(response, separator + JSON.stringify(item)))) return;
          separator = ',';
        }
      }
      response.end(']');
    },
  };
}

/** False where the client went away. */
async function writeChunk(response: ServerResponse, text: string): Promise<boolean> {
  if (response.destroyed) return false;
  if (response.write(text)) return true;
  const gone = new AbortController();
  const close = once(response, 'close', { signal: gone.signal });
  const drain = once(response, 'drain', { signal: gone.signal });
  await Promise.race([close, drain]);
  gone.abort();
  await Promise.allSettled([close, drain]);
  return !response.destroyed;
}
