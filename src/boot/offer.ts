import type { Ipv4 } from '../net/address.ts';
import { architectureOf } from './firmware.ts';
import type { BootAnswer, BootClient } from './client.ts';
import { scriptUrl } from './script.ts';
import type { BootTarget } from './target.ts';

/** Where this server's files are, seen from the client's network. */
export interface BootServer {
  readonly address: Ipv4;
  readonly httpPort: number;
}

/** Base of every southbound URL. */
export function southboundUrl(server: BootServer): string {
  return `http://${server.address}:${server.httpPort}`;
}

/**
 * Turns a target into what DHCP answers: firmware gets the loader of its architecture, the loader (iPXE) the URL of its
 * script, an operating system nothing. A client with nothing to boot gets no file at all, so that its firmware goes on
 * to its own disk.
 */
export function bootOffer(client: BootClient, target: BootTarget, server: BootServer): BootAnswer {
  if (client.stage === 'os') return { kind: 'none', reason: 'an operating system asked, not a boot loader' };
  if (target.kind === 'nothing') return { kind: 'none', reason: target.reason };
  if (client.stage === 'ipxe') {
    return { kind: 'file', file: scriptUrl(southboundUrl(server), client), nextServer: server.address };
  }
  const architecture = architectureOf(client.arch);
  const named = architecture ? architecture.name : 'of an unknown kind';
  if (!architecture?.loader) {
    return { kind: 'none', reason: `there is no loader for architecture ${client.arch ?? 0} (${named})` };
  }
  if (!architecture.http) {
    return { kind: 'file', file: architecture.loader, nextServer: server.address };
  }
  return {
    kind: 'file',
    file: `${southboundUrl(server)}/files/loaders/${architecture.loader}`,
    nextServer: server.address,
    vendorClass: 'HTTPClient',
  };
}
