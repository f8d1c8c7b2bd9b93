/**
 * What remains of a boot without a product: dnsmasq gives addresses, a static server the loader's script, the same kernel
 * and ramdisk as ours and, in place of the agent, a shell script.
 */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../../src/lab/lab.ts';
import { waitForLine } from '../../../src/lab/serial.ts';
import { cpioArchive } from '../../../src/southbound/cpio.ts';
import { startReferenceDhcp } from '../../support/lab.ts';

const address = '172.31.128.1';
const port = 9080;

/** Where the nodes of a reference chain find its files, and where they post. */
export const referenceUrl = `http://${address}:${port}`;

export interface ReferenceChain {
  readonly microkernelDir: string;
  readonly kernelArgs: string;
  /** Shell script in place of the agent. It ends with status 3, or else the ramdisk fetches it again. */
  readonly agent: string;
  /** What is served besides: name in the URL, and path of the file. */
  readonly files?: Readonly<Record<string, string>>;
  /** Further options of dnsmasq. */
  readonly dhcp?: readonly string[];
}

/** Starts it in a lab without a server; gives the path of the static server's log, a line for each post. */
export async function startReferenceChain(lab: Lab, chain: ReferenceChain): Promise<string> {
  const folder = join(lab.paths.dir, 'reference');
  mkdirSync(join(folder, 'agent'), { recursive: true });
  const boot = ['vmlinuz', 'initrd.img'].map((name) => [name, join(chain.microkernelDir, name)] as const);
  for (const [name, path] of [...boot, ...Object.entries(chain.files ?? {})]) symlinkSync(path, join(folder, name));
  writeFileSync(join(folder, 'agent/agent.sh'), chain.agent);
  const identity = {
    path: 'rackwright/identity.json',
    text: JSON.stringify({ url: referenceUrl, nodeId: 'reference' }),
    mode: 0o600,
  };
  writeFileSync(join(folder, 'identity.cpio'), cpioArchive([identity]));
  writeFileSync(join(folder, 'boot.ipxe'), script(chain.kernelArgs));

  const log = join(folder, 'server.log');
  const program = join(import.meta.dirname, 'static-server.ts');
  const argv = [process.execPath, program, folder, address, String(port)];
  await lab.spawn({ name: 'reference-http', argv, logFile: log });
  await waitForLine(log, /^ready$/m, { from: 0, deadlineMs: 20_000 });
  await startReferenceDhcp(lab, [`--dhcp-boot=tag:shown-as-ipxe,${referenceUrl}/boot.ipxe`, ...(chain.dhcp ?? [])]);
  return log;
}

function script(kernelArgs: string): string {
  return `#!ipxe
kernel ${referenceUrl}/vmlinuz initrd=initrd.img initrd=identity.cpio BOOTIF=01-\${net0/mac:hexhyp} ${kernelArgs}
initrd --name initrd.img ${referenceUrl}/initrd.img
initrd --name identity.cpio ${referenceUrl}/identity.cpio
boot
`;
}
