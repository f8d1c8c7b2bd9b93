/**
 * The least that a Node program must do for a list of 100 nodes with the addresses of their MACs: reads the rows from the
 * server's SQLite file, joins, stringifies. Argument: the file. Prints its port.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';

interface NodeRow {
  readonly id: string;
}
interface LookupRow {
  readonly node: string;
  readonly macAddress: string;
  readonly ipAddress: string;
}

const database = new DatabaseSync(process.argv[2] ?? '', { readOnly: true });
const nodes = database.prepare('SELECT "json" FROM "nodes" WHERE "type" = ? ORDER BY "id" LIMIT 100');
const lookups = database.prepare(
  `SELECT "json" FROM "lookups" WHERE "node" IN (${Array.from({ length: 100 }, () => '?').join(', ')})`,
);

const server = createServer((_request, response) => {
  const items = nodes.all('compute').map((row) => JSON.parse(String(row.json)) as NodeRow);
  const rows = lookups.all(...items.map(({ id }) => id)).map((row) => JSON.parse(String(row.json)) as LookupRow);
  const addresses = Map.groupBy(rows, ({ node }) => node);
  const body = JSON.stringify({
    items: items.map((node) => ({
      ...node,
      addresses: (addresses.get(node.id) ?? []).map((row) => ({ mac: row.macAddress, address: row.ipAddress })),
    })),
  });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
