import type { NodeSummary } from '../model/node.ts';
import type { RecordFact } from '../model/fact.ts';
import type { Store } from '../store/collections.ts';
import { modify } from '../store/modify.ts';
import { readJson, type Parsed } from './catalogers/cataloger.ts';
import { catalogerFor } from './catalogers/index.ts';
import { mostMacs } from './confirm.ts';

/** One source's output, as an agent delivered it. */
export interface SourceReport {
  readonly nodeId: string;
  readonly runId: string;
  /** `<runId>/<label>/<attempt>`: the same report again changes nothing. */
  readonly attempt: string;
  /** Name of the catalog: `dmi`, `lshw`, ... or a user's own. */
  readonly source: string;
  /** How to read a source for which there is no cataloger. */
  readonly format: string;
  readonly output: string;
}

export type IngestResult = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Most nesting that a stored catalog may have; real inventories stay below 20. */
const maxDepth = 64;
/** MongoDB takes documents of 16 MiB, and so do we everywhere; the rest of the record needs little. */
const maxBytes = 15 * 1024 * 1024;

/**
 * Report -> parser -> catalog, summary and lookups. Never throws for what a report says: a report that cannot be read
 * is a fact and a reason.
 */
export function createIngest(deps: {
  store: Store;
  record: RecordFact;
}): (report: SourceReport) => Promise<IngestResult> {
  const { store, record } = deps;
  return async (report) => {
    const { nodeId, runId, source } = report;
    const parsed = fitting(read(report));
    if (!parsed.ok) {
      record({
        kind: 'catalog.failed',
        how: 'token',
        text: `${source}: ${parsed.reason}`,
        nodeId,
        runId,
        data: { source },
      });
      return parsed;
    }
    await store.catalogs.insert({ nodeId, source, data: parsed.data, origin: `${report.attempt}/${source}` });
    if (parsed.summary) await mergeSummary(store, nodeId, parsed.summary);
    for (const { mac, ip } of parsed.lookups?.slice(0, mostMacs) ?? [])
      await rememberLookup(store, { mac, ip, nodeId });
    record({ kind: 'catalog.stored', how: 'token', text: `catalog ${source} stored`, nodeId, runId, data: { source } });
    return { ok: true };
  };
}

/** What was parsed, as it is stored; or why it cannot be: the same report would come again and again. */
function fitting(parsed: Parsed): Parsed {
  if (!parsed.ok) return parsed;
  const data = storable(parsed.data);
  if (storedBytes(data) > maxBytes) return { ok: false, reason: 'it is too large to be stored' };
  return { ...parsed, data };
}

/** Most bytes that the value takes in a store, as BSON counts them (bsonspec.org). */
export function storedBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value) + 5;
  if (typeof value !== 'object' || value === null) return 8;
  return Object.entries(value).reduce(
    (sum, [key, inner]: [string, unknown]) => sum + Buffer.byteLength(key) + 2 + storedBytes(inner),
    5,
  );
}

function read({ source, format, output }: SourceReport): Parsed {
  const cataloger = catalogerFor(source);
  if (cataloger) return cataloger.parse(output);
  if (format === 'raw') return { ok: true, data: { output } };
  if (format !== 'json')
    return { ok: false, reason: `there is no parser for source '${source}' and format '${format}'` };
  const json = readJson(output);
  return json.ok ? { ok: true, data: json.value } : json;
}

/** Keys as RackHD stores them, without `.` and `$` (which are operators to MongoDB); too deep a value is cut. */
export function storable(value: unknown, depth = 0): unknown {
  if (depth > maxDepth) return null;
  if (Array.isArray(value)) return value.map((item) => storable(item, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key.replace(/[.$]/g, '_'), storable(inner, depth + 1)]),
  );
}

async function mergeSummary(store: Store, nodeId: string, summary: Partial<NodeSummary>): Promise<void> {
  await modify(store.nodes, nodeId, (node) => {
    const macs = [...new Set([...(node.summary.macs ?? []), ...(summary.macs ?? [])])].slice(0, mostMacs);
    return { ...node, summary: { ...node.summary, ...summary, ...(macs.length > 0 ? { macs } : {}) } };
  });
}

async function rememberLookup(
  store: Store,
  seen: { mac: string; ip: string | undefined; nodeId: string },
): Promise<void> {
  const address = seen.ip === undefined ? {} : { ipAddress: seen.ip };
  const inserted = await store.lookups.insert({ macAddress: seen.mac, node: seen.nodeId, ...address });
  if (inserted.ok) return;
  const { items } = await store.lookups.find({ where: { macAddress: seen.mac }, limit: 1 });
  // A MAC that another node has stays that node's: a report is no proof against what was known before.
  if (items[0]?.node === undefined || items[0].node === seen.nodeId) {
    if (items[0]) await modify(store.lookups, items[0].id, (lookup) => ({ ...lookup, node: seen.nodeId, ...address }));
  }
}
