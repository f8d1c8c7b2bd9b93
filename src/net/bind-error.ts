import { RackwrightError } from '../errors.ts';
import { portInUseError } from './port-holder.ts';
import type { PortProtocol } from './port-holder.ts';

/**
 * The fault to throw when a socket could not be bound: `port-in-use` (names the program that holds the port),
 * `no-address` (no interface has the address), `not-permitted` (a low port without the privilege), or `socket`.
 */
export async function bindError(
  protocol: PortProtocol,
  endpoint: { readonly address: string; readonly port: number },
  cause: unknown,
): Promise<RackwrightError> {
  const where = `${protocol.toUpperCase()} port ${endpoint.port} on ${endpoint.address}`;
  switch ((cause as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return portInUseError(protocol, endpoint, cause);
    case 'EADDRNOTAVAIL':
      return new RackwrightError(
        'no-address',
        `${where} cannot be opened: no interface of this machine has that address. \`ip -4 address\` lists those it has.`,
        { cause, retryable: true },
      );
    case 'EACCES':
      return new RackwrightError(
        'not-permitted',
        `${where} cannot be opened: ports below 1024 need root or the capability CAP_NET_BIND_SERVICE.`,
        { cause },
      );
    default:
      return new RackwrightError('socket', `${where} cannot be opened`, { cause });
  }
}
