import { readFile, readdir, readlink } from 'node:fs/promises';
import { RackwrightError } from '../errors.ts';

export type PortProtocol = 'udp' | 'tcp';

/** A program that has a port open. */
export interface PortHolder {
  readonly pid: number;
  /** Name of the program, as it was started: `dnsmasq`, `node`. */
  readonly program: string;
}

/** State of a listening TCP socket in `/proc/net/tcp`; UDP sockets have no such state. */
const tcpListen = '0A';

/**
 * Finds who holds a local port on this machine (and in this network namespace), from `/proc/net` and `/proc/PID/fd`.
 * Undefined if nobody does, if the holder belongs to another user, or on a system without `/proc`.
 */
export async function findPortHolder(protocol: PortProtocol, port: number): Promise<PortHolder | undefined> {
  const inodes = await socketInodes(protocol, port);
  if (inodes.size === 0) return undefined;
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    if (!(await holdsSocket(pid, inodes))) continue;
    return { pid: Number(pid), program: await programName(pid) };
  }
  return undefined;
}

/** The fault to throw when a bind failed with EADDRINUSE: it names the holder, or says how to find it. */
export async function portInUseError(
  protocol: PortProtocol,
  endpoint: { readonly address: string; readonly port: number },
  cause?: unknown,
): Promise<RackwrightError> {
  const { address, port } = endpoint;
  const holder = await findPortHolder(protocol, port);
  const listing = `ss -l${protocol === 'udp' ? 'u' : 't'}np 'sport = :${port}'`;
  const who =
    holder === undefined
      ? `in use by another program; as root, \`${listing}\` names it`
      : `in use by ${holder.program} (process ${holder.pid})`;
  return new RackwrightError(
    'port-in-use',
    `${protocol.toUpperCase()} port ${port} on ${address} is ${who}. Stop that program, or configure another port.`,
    { cause, retryable: true },
  );
}

/** The first word of the command line, without its folder: the kernel's own name for a process may be a thread's. */
async function programName(pid: string): Promise<string> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return /^[^\0 ]*?([^/\0 :]+)(?=[\0 :]|$)/.exec(commandLine)?.[1] ?? 'a program that has just ended';
}

async function socketInodes(protocol: PortProtocol, port: number): Promise<Set<string>> {
  const inodes = new Set<string>();
  for (const table of [protocol, `${protocol}6`]) {
    const text = await readFile(`/proc/self/net/${table}`, 'utf8').catch(() => '');
    for (const line of text.split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
      const samePort = Number.parseInt(local.split(':')[1] ?? '', 16) === port;
      if (samePort && inode !== undefined && (protocol === 'udp' || state === tcpListen)) inodes.add(inode);
    }
  }
  return inodes;
}

async function holdsSocket(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const descriptor of descriptors) {
    const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined && inodes.has(inode)) return true;
  }
  return false;
}
