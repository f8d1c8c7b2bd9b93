import type { Ipv4 } from '../net/address.ts';
import type { Mac } from '../net/mac.ts';

/** Every lab has the same networks: namespaces keep them apart. */
export const provisioning = {
  bridge: 'br0',
  cidr: '172.31.128.0/24',
  address: '172.31.128.1',
  pool: '172.31.128.50-172.31.128.199',
} as const;

export const bmcNetwork = { bridge: 'brbmc', cidr: '172.31.132.0/24', address: '172.31.132.1' } as const;

export const bmcLogin = { user: 'admin', password: 'admin' } as const;

/** Who a virtual server is, as its firmware, its BMC and the network tell it. All follows from its number. */
export interface NodeIdentity {
  readonly number: number;
  readonly uuid: string;
  readonly mac: Mac;
  readonly bmcMac: Mac;
  readonly bmcAddress: Ipv4;
  /** What the BMC says of its network. */
  readonly bmcNetmask: Ipv4;
  readonly bmcGateway: Ipv4;
  readonly vendor: string;
  readonly product: string;
  readonly serial: string;
  readonly board: string;
  readonly asset: string;
  /** Loopback ports inside the namespace: the serial line (for SOL) and the BMC's in-band interface. */
  readonly serialPort: number;
  readonly kcsPort: number;
}

/** The identity of node `number` (1 to 200). */
export function nodeIdentity(number: number): NodeIdentity {
  const hex = number.toString(16).padStart(2, '0');
  return {
    number,
    uuid: `4c414230-0000-4000-8000-0000000000${hex}`,
    mac: `52:54:00:77:${hex}:00`,
    bmcMac: `52:54:00:78:${hex}:00`,
    bmcAddress: `172.31.132.${10 + number}`,
    bmcNetmask: '255.255.255.0',
    bmcGateway: bmcNetwork.address,
    vendor: 'Lab Systems',
    product: 'VirtualNode 1000',
    serial: `LAB${number.toString().padStart(5, '0')}`,
    board: 'VN-Board',
    asset: `ASSET-${number}`,
    serialPort: 20_000 + number,
    kcsPort: 21_000 + number,
  };
}
