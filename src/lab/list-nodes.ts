import { RackwrightError } from '../errors.ts';
import type { NodeRow } from '../model/nodes-table.ts';

interface Page {
  readonly items: readonly NodeRow[];
  readonly next?: string;
}

/** Every node of `GET /nodes?type=compute`, page by page. Throws code `server` for another answer than a list. */
export async function listNodes(url: string): Promise<readonly NodeRow[]> {
  const nodes: NodeRow[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined;) {
    const path = `/nodes?type=compute&limit=1000${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
    const response = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new RackwrightError('server', `GET ${path} answered ${response.status}`);
    const page = (await response.json()) as Page;
    nodes.push(...page.items);
    cursor = page.next;
  }
  return nodes;
}
