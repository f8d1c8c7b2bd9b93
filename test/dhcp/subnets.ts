import type { DhcpSubnet } from '../../src/dhcp/subnet.ts';
import { parseNetwork } from '../../src/net/address.ts';

/** A subnet that gives addresses and boot files, changed as given. */
export function makeSubnet(parts: Partial<DhcpSubnet> = {}): DhcpSubnet {
  return {
    network: parseNetwork('10.1.0.0/24'),
    addresses: true,
    boot: true,
    pools: [{ from: '10.1.0.10', to: '10.1.0.19' }],
    dns: [],
    leaseSeconds: 3600,
    ...parts,
  };
}
