import type { NodeRow } from '../model/nodes-table.ts';
import { createServerApi } from './server-api.ts';

interface Page {
  readonly items: readonly NodeRow[];
  readonly next?: string;
}

/** Every node of `GET /nodes?type=compute`, page by page. Throws code `server` for another answer than a list. */
export async function listNodes(url: string): Promise<readonly NodeRow[]> {
  const api = createServerApi(url);
  const nodes: NodeRow[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined;) {
    const path = `/nodes?type=compute&limit=1000${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
    const page: Page | undefined = await api.get<Page>(path);
    nodes.push(...(page?.items ?? []));
    cursor = page?.next;
  }
  return nodes;
}
