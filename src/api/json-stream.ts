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

/** Writes text and waits until the client can take more. False where the client went away. */
async function writeChunk(response: ServerResponse, text: string): Promise<boolean> {
  if (response.destroyed) return false;
  if (response.write(text)) return true;
  const settled = new AbortController();
  const closed = once(response, 'close', { signal: settled.signal });
  const drained = once(response, 'drain', { signal: settled.signal });
  await Promise.race([closed, drained]);
  settled.abort();
  await Promise.allSettled([closed, drained]);
  return !response.destroyed;
}
