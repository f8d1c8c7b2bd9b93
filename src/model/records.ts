import type { Ipv4 } from '../net/address.ts';
import type { Mac } from '../net/mac.ts';
import type { Document } from './document.ts';

/** One source's inventory of one node. Old records are kept; the newest is the node's. */
export interface Catalog extends Document {
  readonly nodeId: string;
  /** RackHD's names: dmi, lshw, lsblk, bmc, ... */
  readonly source: string;
  /** Keys carry neither `.` nor `$` (rewritten to `_`, as RackHD does). */
  readonly data: unknown;
  /** The run's attempt that made it: ingesting the same report again replaces instead of adding. Unique with source. */
  readonly origin: string;
}

/** Which node has which MAC and address; RackHD's `/lookups`. */
export interface Lookup extends Document {
  /** Unique. */
  readonly macAddress: Mac;
  readonly ipAddress?: Ipv4;
  readonly node?: string;
}

/** An address that a client holds. Claimed by a unique insert before the ACK leaves. */
export interface Lease extends Document {
  /** CIDR of the subnet. */
  readonly subnet: string;
  readonly address: Ipv4;
  readonly mac: Mac;
  /** `<subnet>|<mac>` and `<subnet>|<address>`: both unique. */
  readonly clientKey: string;
  readonly addressKey: string;
  /** `bound`, or `declined` (the client found the address in use; nobody gets it until `expiresAt`). */
  readonly state: 'bound' | 'declined';
  readonly expiresAt: string;
  readonly uuid?: string;
  readonly hostname?: string;
}

/** How a node's power is reached. One per node and service (unique `key`). */
export interface Obm extends Document {
  readonly nodeId: string;
  /** `ipmi-obm-service`, `noop-obm-service`, ... */
  readonly service: string;
  /** Secret fields hold sealed text (`secrets/seal.ts`), never plain. */
  readonly config: Readonly<Record<string, unknown>>;
  /** `<nodeId>|<service>`. */
  readonly key: string;
}

/** The BMC user that discovery makes on a node: proposed before it is set in band, proven by a login over LAN. */
export interface BmcCredential extends Document {
  /** Equals `id`. */
  readonly nodeId: string;
  readonly user: string;
  readonly sealedPassword: string;
  readonly state: 'proposed' | 'proven';
}

/** One network boot of a node: what it may have, for as long as it lasts. */
export interface Boot extends Document {
  readonly nodeId: string;
  readonly mac: Mac;
  /** The lease's address: the identity is delivered there and nowhere else. */
  readonly address: Ipv4;
  /** What the firmware of this boot said its SMBIOS UUID was. */
  readonly uuid?: string;
  /** SHA-256 of the identity's secret, hexadecimal; none before the identity was fetched. */
  readonly secretHash?: string;
  /** The kernel's boot id (`/proc/sys/kernel/random/boot_id`) that exchanged the identity; none before the exchange. */
  readonly kernelBootId?: string;
  /** SHA-256 of the session token, hexadecimal. */
  readonly sessionHash?: string;
  readonly expiresAt: string;
}

/** A live server process. */
export interface Member extends Document {
  readonly host: string;
  readonly pid: number;
  /** Its data directory, which one process has at a time: whoever has it now knows that those before are gone. */
  readonly dataDir: string;
  readonly roles: readonly string[];
  readonly expiresAt: string;
}
