import type { Ipv4 } from '../net/address.ts';
import type { Mac } from '../net/mac.ts';
import type { Document } from './document.ts';

/** Everything that can stand on a timeline, and what it means. Verdicts are written over these kinds. */
export const factKinds = {
  'dhcp.discover': 'the client asked for an address',
  'dhcp.offer': 'we offered an address, with or without a boot file',
  'dhcp.request': 'the client asked to have an address',
  'dhcp.ack': 'we gave the address, with or without a boot file',
  'dhcp.nak': 'we refused the address that the client wanted',
  'dhcp.release': 'the client gave its address back',
  'dhcp.decline': 'the client found its address in use by another',
  'dhcp.inform': 'the client has an address and asked for the rest',
  'dhcp.other-server': 'the client took the offer of another DHCP server',
  'dhcp.rogue': 'another DHCP server answers on this network',
  'dhcp.ignored': 'we did not answer, with the reason',
  'dhcp.malformed': 'a datagram that is no DHCP message',
  'tftp.read': 'the client asked for a file by TFTP',
  'tftp.done': 'the file was sent whole',
  'tftp.failed': 'the transfer ended before its end',
  'tftp.refused': 'the request was refused',
  'boot.script': 'the client fetched its boot script',
  'boot.file': 'the client fetched a file over HTTP',
  'boot.file-failed': 'a file that the client asked for over HTTP was not delivered',
  'boot.failed': 'the boot loader reported a failed step',
  'boot.identity': 'the identity of this boot was delivered',
  'boot.identity-refused': 'an identity was asked for from the wrong address, or too late',
  'agent.session': 'the agent exchanged its identity for a session',
  'agent.refused': 'an agent was refused',
  'agent.work': 'the agent took a task',
  'agent.report': "the agent delivered a task's result",
  'node.enrolled': 'a node was made for an unknown client',
  'node.state': 'the node changed its state',
  'node.discovered': 'a workflow announced that the node was discovered',
  'catalog.stored': 'a catalog was stored',
  'catalog.failed': 'a report could not be parsed',
  'bmc.proposed': 'a password for our own user on the BMC was made and sealed',
  'bmc.command': 'a command was sent to the BMC',
  'bmc.proven': 'a login on the BMC with our own user succeeded',
  'bmc.failed': 'the BMC did not answer, or refused',
  'run.started': 'a run of a graph began',
  'run.task': 'a task of a run changed its state',
  'run.finished': 'a run ended',
  'run.by-hand': 'a run waits for something that only an operator can do',
  'deploy.progress': 'how far the agent is with writing an image',
  'deploy.home': 'the installed system called home',
  'facts.dropped': 'facts were lost because more arrived than could be written',
} as const;

export type FactKind = keyof typeof factKinds;

/** How we know: `packet` is forgeable by anyone on the network; `token` proved this boot; `bmc` a login; `self` is us. */
export type Witness = 'packet' | 'token' | 'bmc' | 'self';

/** What was seen, keyed by what was seen: the join to a node is made on reading. */
export interface NewFact {
  readonly kind: FactKind;
  readonly how: Witness;
  /** One line in plain words. */
  readonly text: string;
  readonly mac?: Mac;
  readonly uuid?: string;
  readonly address?: Ipv4;
  readonly nodeId?: string;
  readonly runId?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  /** Given for decided facts: inserting the same id again is no second fact. */
  readonly id?: string;
  /** ISO 8601; now, if absent. */
  readonly at?: string;
}

export interface Fact extends Document {
  readonly kind: FactKind;
  readonly how: Witness;
  readonly text: string;
  readonly at: string;
  readonly mac?: Mac;
  readonly uuid?: string;
  readonly address?: Ipv4;
  readonly nodeId?: string;
  readonly runId?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** How everybody but the timeline itself says that something happened. Never throws, never waits. */
export type RecordFact = (fact: NewFact) => void;
