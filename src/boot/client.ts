import type { Ipv4 } from '../net/address.ts';
import type { Mac } from '../net/mac.ts';

/** Who asks over DHCP: `firmware` (a PXE or HTTP Boot ROM), `ipxe` (a loader that takes scripts), or `os` (all else). */
export type BootStage = 'firmware' | 'ipxe' | 'os';

/** What DHCP knows of a client when it asks what the client should boot. */
export interface BootClient {
  readonly mac: Mac;
  /** SMBIOS UUID of option 97, in the usual text form (first three fields already turned round). */
  readonly uuid?: string;
  /** Client system architecture of option 93 (RFC 4578 section 2.1; numbers of the IANA registry). */
  readonly arch?: number;
  readonly stage: BootStage;
  readonly vendorClass?: string;
  /** The server's own address on the client's network. */
  readonly serverAddress: Ipv4;
}

/** What to put into the answer. `file` is a TFTP path, or a URL for clients that take one. */
export type BootAnswer =
  | {
      readonly kind: 'file';
      readonly file: string;
      readonly nextServer: Ipv4;
      /** Option 60 of the answer: HTTP Boot firmware ignores an answer without `HTTPClient` (UEFI 2.10, 24.7.3.1). */
      readonly vendorClass?: 'PXEClient' | 'HTTPClient';
    }
  | { readonly kind: 'none'; readonly reason: string };

/** Asked by DHCP for every client that may boot. */
export type AskBoot = (client: BootClient) => Promise<BootAnswer>;
