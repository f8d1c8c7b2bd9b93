/**
 * A static HTTP server, and a place to post to: each POST is read to its end and told by a line `posted BYTES`.
 * Arguments: folder, address, port.
 */
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, normalize } from 'node:path';

const [folder = '', address = '', port = ''] = process.argv.slice(2);

const server = createServer((request, response) => {
  if (request.method === 'POST') {
    let length = 0;
    request.on('data', (chunk: Buffer) => (length += chunk.length));
    request.on('end', () => {
      process.stdout.write(`posted ${length}\n`);
      response.writeHead(204).end();
    });
    return;
  }
  const path = join(folder, normalize(`/${request.url?.split('?', 1)[0] ?? ''}`));
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'content-length': size });
  createReadStream(path, { highWaterMark: 1 << 20 }).pipe(response);
});
server.listen(Number(port), address, () => process.stdout.write('ready\n'));
