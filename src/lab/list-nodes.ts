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
    const page: Page | undefined = await api.get(pagePath(cursor));
    nodes.push(...(page?.items ?? []));
    cursor = page?.next;
  }
  return nodes;
}

function pagePath(cursor: string): string {
  return `/nodes?type=compute&limit=1000${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
}
