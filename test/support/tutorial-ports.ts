/**
 * Makes TCP ports of this machine (or network namespace) lead to a server, as the port forwarding of RackHD's labs does:
 *   node tutorial-ports.ts SOCKET-PATH|PORT PORT...
 */
import { createForwarder } from '../../src/lab/forward.ts';

const [to = '', ...ports] = process.argv.slice(2);
const server = to.includes('/') ? { path: to } : { host: '127.0.0.1', port: Number(to) };
for (const port of ports) await createForwarder({ host: '127.0.0.1', port: Number(port) }, server);
process.stdout.write('forwarding\n');
