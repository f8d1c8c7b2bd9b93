import type { Ipv4 } from '../net/address.ts';
import type { Client } from './client.ts';
import type { DhcpSubnet } from './subnet.ts';

/** An endpoint that a message came from or goes to. */
export interface Endpoint {
  readonly address: Ipv4;
  readonly port: number;
}

/** The three UDP ports; others than the standard ones only in tests. */
export interface DhcpPorts {
  /** 67: ours, and that of relays. */
  readonly server: number;
  /** 68. */
  readonly client: number;
  /** 4011: PXE boot server (PXE 2.1 section 2.2.3). */
  readonly proxy: number;
}

/** How a message reached us. */
export interface Arrival {
  readonly from: Endpoint;
  /** Sent to our own address, not broadcast. */
  readonly unicast: boolean;
  readonly service: 'dhcp' | 'proxy';
}

export interface Situation {
  readonly arrival: Arrival;
  readonly serverAddress: Ipv4;
  readonly ports: DhcpPorts;
  /** The client's subnet, as `selectSubnet` found it. */
  readonly subnet: DhcpSubnet | undefined;
  readonly client: Client | undefined;
}
