import { openDatagram, type DatagramSocket, type Peer } from '../../net/datagram.ts';
import type { Ipv4 } from '../../net/address.ts';
import {
  privilegeAdministrator,
  runCommand,
  type BmcEffect,
  type BmcMachine,
  type BmcState,
  type BmcUserAccount,
} from './commands.ts';
import { createSessions, type Sessions } from './exchange.ts';
import {
  formatIpmiResponse,
  formatLegacyPacket,
  formatPlusPacket,
  parseIpmiRequest,
  parseLanPacket,
  payloadType,
  type LanPacket,
} from './rmcp.ts';
import { cipherSuites } from './session.ts';

/** How a simulated BMC misbehaves. */
export interface BmcFaults {
  /** Answers nothing at all. */
  dead?: boolean;
  /** Cipher suites that it takes; default: 3 and 17. */
  suites?: readonly number[];
}

export interface SimBmcOptions {
  readonly address: Ipv4;
  /** 623, or another where that is not ours to take; 0: a free one. */
  readonly port: number;
  readonly machine: BmcMachine;
  /** The first user. */
  readonly user: string;
  readonly password: string;
}

/** A BMC as a program: IPMI 2.0 over LAN (RMCP+) with real effects on a simulated machine. `ipmitool` is its peer. */
export interface SimBmc {
  readonly local: Peer;
  /** Everything that was done, in order; a repeated command stands there twice. */
  readonly effects: readonly BmcEffect[];
  /** May be changed at any time. */
  readonly faults: BmcFaults;
  /** What in-band access (KCS) would do: sets a user without a login. */
  setUser(name: string, password: string): void;
  close(): Promise<void>;
}

const slots = 10;

export async function createSimBmc(options: SimBmcOptions): Promise<SimBmc> {
  const faults: BmcFaults = {};
  const state: BmcState = { machine: options.machine, users: firstUsers(options), effects: [] };
  const { users } = state;
  const sessions = createSessions({ users, suites: () => faults.suites ?? cipherSuites.map(({ id }) => id) });
  const socket = await openSocket(options, (bytes) =>
    faults.dead === true ? undefined : answer(bytes, sessions, state),
  );
  return {
    local: socket.local,
    effects: state.effects,
    faults,
    setUser(name, password) {
      const known = [...users].find(([, user]) => user.name === name);
      const free = [...users].find(([slot, user]) => slot > 1 && user.name === '');
      const slot = (known ?? free)?.[0];
      if (slot !== undefined) users.set(slot, { name, password, enabled: true, privilege: privilegeAdministrator });
    },
    close: () => socket.close(),
  };
}

function firstUsers({ user, password }: SimBmcOptions): Map<number, BmcUserAccount> {
  const users = new Map<number, BmcUserAccount>();
  for (let slot = 1; slot <= slots; slot += 1)
    users.set(slot, { name: '', password: '', enabled: false, privilege: 0x0f });
  return users.set(2, { name: user, password, enabled: true, privilege: privilegeAdministrator });
}

function openSocket(
  { address, port }: SimBmcOptions,
  reply: (bytes: Buffer) => Buffer | undefined,
): Promise<DatagramSocket> {
  const socket = openDatagram({
    address,
    port,
    onDatagram(bytes, from) {
      const answered = reply(Buffer.from(bytes));
      if (answered) void socket.then((open) => open.send(answered, from)).catch(() => undefined);
    },
    onError: () => undefined,
  });
  return socket;
}

function answer(bytes: Buffer, sessions: Sessions, state: BmcState): Buffer | undefined {
  const sessionId = bytes.length >= 10 ? bytes.readUInt32LE(6) : 0;
  const packet = parseLanPacket(bytes, sessions.get(sessionId)?.suite.signatureLength ?? 0);
  if (!packet) return undefined;
  if (packet.form === '1.5') return answerLegacy(packet.payload);
  if (packet.type !== payloadType.ipmi) return sessions.exchange(packet.type, packet.payload);
  return answerInSession(packet, sessions, state);
}

function answerInSession(packet: LanPacket & { form: '2.0' }, sessions: Sessions, state: BmcState): Buffer | undefined {
  const session = sessions.get(packet.sessionId);
  const keys = session?.established === true ? session.keys : undefined;
  if (!session || !keys || !packet.signed || !keys.isSigned(packet.covered, packet.signature)) return undefined;
  const plain = packet.encrypted ? keys.decrypt(packet.payload) : packet.payload;
  const request = plain && parseIpmiRequest(plain);
  if (!request) return undefined;
  // Close Session (section 22.19)
  const closing = request.netFn === 6 && request.command === 0x3c;
  const [completion, data = []] = closing ? ([0] as const) : runCommand(state, request);
  if (closing) sessions.delete(packet.sessionId);
  session.sequence += 1;
  return formatPlusPacket({
    type: payloadType.ipmi,
    sessionId: session.consoleId.readUInt32LE(),
    sequence: session.sequence,
    payload: keys.encrypt(formatIpmiResponse(request, completion, Buffer.from(data))),
    encrypted: true,
    sign: keys.sign,
  });
}

/** Get Channel Authentication Capabilities (section 22.13) is the one command that is asked before a session. */
function answerLegacy(message: Buffer): Buffer | undefined {
  const request = parseIpmiRequest(message);
  if (request?.netFn !== 6) return undefined;
  if (request.command === 0x38) {
    return formatLegacyPacket(formatIpmiResponse(request, 0, Buffer.from([1, 0x80, 0x04, 0x02, 0, 0, 0, 0])));
  }
  // Anything else (Get Channel Cipher Suites) is refused: then ipmitool goes by what it was told.
  return formatLegacyPacket(formatIpmiResponse(request, 0xc1, Buffer.alloc(0)));
}
