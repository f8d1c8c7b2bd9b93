/**
 * A server of which the lab needs only the admin side: it answers /healthz, tells a few facts and lists no node.
 *   node stand-in-server.ts CONFIG
 */
import { readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { parse } from 'yaml';

const config = parse(readFileSync(process.argv[2] ?? '', 'utf8')) as { admin: { socket: string } };
rmSync(config.admin.socket, { force: true });
createServer((request, response) => {
  const path = new URL(request.url ?? '/', 'http://localhost').pathname;
  const bodies: Record<string, unknown> = { '/healthz': { status: 'ok' }, '/nodes': { items: [] } };
  if (!(path in bodies)) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(bodies[path]));
}).listen(config.admin.socket);
process.once('SIGTERM', () => process.exit(0));
