import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabOptions } from '../../src/lab/options.ts';
import { defaultOptions } from '../../src/lab/options.ts';
import type { ProcessId } from '../../src/lab/process-id.ts';
import { isAlive } from '../../src/lab/process-id.ts';
import { labPaths, networkNamespaceName, notedProcesses } from '../../src/lab/state.ts';

/** A lab of its own for a test: no fixed port, and a server that is only there. */
export function testLab(name: string, changes: Partial<LabOptions> = {}): LabOptions {
  const standIn = fileURLToPath(new URL('./stand-in-server.ts', import.meta.url));
  return {
    ...defaultOptions,
    name: `${name}-${process.pid}`,
    port: 0,
    nodes: ['bios'],
    memoryMib: 256,
    diskGib: 1,
    serverCommand: [process.execPath, standIn],
    microkernelDir: '/nonexistent',
    ...changes,
  };
}

/** Everything that a lab has running, to be looked for after its end. */
export function runningOf(name: string): ProcessId[] {
  return notedProcesses(labPaths(name)).filter(isAlive);
}

/** What is left of a lab that should be gone, in words; nothing, one hopes. */
export function leftovers(name: string, processes: readonly ProcessId[]): string[] {
  const paths = [labPaths(name).dir, join('/run/netns', networkNamespaceName(name))];
  return [...paths.filter((path) => existsSync(path)), ...processes.filter(isAlive).map(({ pid }) => `process ${pid}`)];
}

/**
 * Stands in for the product on the provisioning network: dnsmasq with addresses, TFTP of Debian's iPXE, and a log that
 * says what each client showed itself as. `more` are further options of dnsmasq. Gives the path of the log.
 */
export async function startReferenceDhcp(lab: Lab, more: readonly string[] = []): Promise<string> {
  const log = join(lab.paths.dir, 'reference-dhcp.log');
  const options = [
    '--conf-file=/dev/null',
    '--port=0',
    '--interface=br0',
    '--bind-interfaces',
    '--except-interface=lo',
    '--no-ping',
    '--log-dhcp',
    '--dhcp-range=172.31.128.50,172.31.128.199,255.255.255.0,1h',
    `--dhcp-leasefile=${join(lab.paths.dir, 'reference-dhcp.leases')}`,
    '--enable-tftp',
    '--tftp-root=/usr/lib/ipxe',
    '--dhcp-userclass=set:shown-as-ipxe,iPXE',
    '--dhcp-match=set:option-175,175',
    '--dhcp-match=set:efi,option:client-arch,7',
    '--dhcp-boot=tag:!shown-as-ipxe,tag:!efi,undionly.kpxe',
    '--dhcp-boot=tag:!shown-as-ipxe,tag:efi,snponly.efi',
    ...more,
  ];
  const argv = ['dnsmasq', '--no-daemon', '--log-facility=-', ...options];
  await lab.spawn({ name: 'reference-dhcp', argv, logFile: log });
  return log;
}
