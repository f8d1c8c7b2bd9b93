/**
 * What remains of a discovery without a product: dnsmasq gives addresses, a static server the loader's script, the same
 * kernel and ramdisk as ours and, in place of the agent, a shell script that runs the same inventory commands one after
 * the other and posts what they print.
 */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../../src/lab/lab.ts';
import { waitForLine } from '../../../src/lab/serial.ts';
import { cpioArchive } from '../../../src/southbound/cpio.ts';
import { startReferenceDhcp } from '../../support/lab.ts';

const address = '172.31.128.1';
const port = 9080;
const url = `http://${address}:${port}`;
const definitions = join(import.meta.dirname, '../../../definitions/tasks');

/** Starts it in a lab without a server; answers how many nodes have posted their inventory. */
export async function startReferenceChain(
  lab: Lab,
  options: { readonly microkernelDir: string; readonly kernelArgs: string },
): Promise<() => number> {
  const folder = join(lab.paths.dir, 'reference');
  mkdirSync(join(folder, 'agent'), { recursive: true });
  for (const name of ['vmlinuz', 'initrd.img']) symlinkSync(join(options.microkernelDir, name), join(folder, name));
  writeFileSync(join(folder, 'agent/agent.sh'), agent());
  const identity = {
    path: 'rackwright/identity.json',
    text: JSON.stringify({ url, nodeId: 'reference' }),
    mode: 0o600,
  };
  writeFileSync(join(folder, 'identity.cpio'), cpioArchive([identity]));
  writeFileSync(join(folder, 'boot.ipxe'), script(options.kernelArgs));

  const log = join(folder, 'server.log');
  const program = join(import.meta.dirname, 'static-server.ts');
  const argv = [process.execPath, program, folder, address, String(port)];
  await lab.spawn({ name: 'reference-http', argv, logFile: log });
  await waitForLine(log, /^ready$/m, { from: 0, deadlineMs: 20_000 });
  await startReferenceDhcp(lab, [`--dhcp-boot=tag:shown-as-ipxe,${url}/boot.ipxe`]);
  return () => readFileSync(log, 'utf8').match(/^posted \d{4,}$/gm)?.length ?? 0;
}

function script(kernelArgs: string): string {
  return `#!ipxe
kernel ${url}/vmlinuz initrd=initrd.img initrd=identity.cpio BOOTIF=01-\${net0/mac:hexhyp} ${kernelArgs}
initrd --name initrd.img ${url}/initrd.img
initrd --name identity.cpio ${url}/identity.cpio
boot
`;
}

/** Status 3: init shall not fetch it again. */
function agent(): string {
  const file = join(definitions, 'Task.Rackwright.Catalog.json');
  const task = JSON.parse(readFileSync(file, 'utf8')) as { options: { commands: { command: string }[] } };
  const commands = task.options.commands.map(({ command }) => command);
  const lines = commands.map((command) => `(${command}) </dev/null >>/run/inventory 2>&1`);
  return [...lines, `curl -fsS --data-binary @/run/inventory ${url}/inventory`, 'exit 3', ''].join('\n');
}
