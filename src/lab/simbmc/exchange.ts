import { randomBytes, randomInt } from 'node:crypto';
import { privilegeAdministrator, type BmcUserAccount } from './commands.ts';
import { formatPlusPacket, payloadType } from './rmcp.ts';
import { cipherSuites, deriveKeys, equal, type CipherSuite, type SessionKeys } from './session.ts';

/** A session, from its request on; usable when `established`. */
export interface Session {
  readonly suite: CipherSuite;
  readonly consoleId: Buffer;
  readonly bmcId: Buffer;
  keys?: SessionKeys;
  established: boolean;
  sequence: number;
}

/** The sessions of a BMC, and the exchange that opens them (IPMI 2.0 sections 13.17 to 13.24). */
export interface Sessions {
  get(id: number): Session | undefined;
  delete(id: number): void;
  /** Answers a message of the exchange; undefined for what is none. */
  exchange(type: number, payload: Buffer): Buffer | undefined;
}

/** Sessions kept; the oldest is dropped for a new one, as small BMCs do. */
const maxSessions = 8;
/** Status codes of table 13-15. */
const status = {
  unauthorizedRole: 0x0a,
  unauthorizedName: 0x0d,
  invalidIntegrityCheck: 0x0f,
  noCipherSuite: 0x11,
} as const;

export function createSessions(bmc: {
  users: ReadonlyMap<number, BmcUserAccount>;
  /** Ids of the cipher suites that it takes now. */
  suites: () => readonly number[];
}): Sessions {
  const sessions = new Map<number, Session>();
  const guid = randomBytes(16);

  const open = (payload: Buffer): Buffer | undefined => {
    if (payload.length < 32) return undefined;
    const consoleId = Buffer.from(payload.subarray(4, 8));
    const suite = chooseSuite(payload, bmc.suites());
    const head = Buffer.from([payload[0] ?? 0, suite ? 0 : status.noCipherSuite, privilegeAdministrator, 0]);
    if (!suite) return outside(payloadType.openSessionResponse, head, consoleId);
    const id = randomInt(1, 2 ** 32);
    const bmcId = Buffer.alloc(4);
    bmcId.writeUInt32LE(id);
    sessions.set(id, { suite, consoleId, bmcId, established: false, sequence: 0 });
    const [oldest] = sessions.keys();
    if (sessions.size > maxSessions && oldest !== undefined) sessions.delete(oldest);
    return outside(payloadType.openSessionResponse, head, consoleId, bmcId, payload.subarray(8, 32));
  };

  return {
    get: (id) => sessions.get(id),
    delete(id) {
      sessions.delete(id);
    },
    exchange(type, payload) {
      if (type === payloadType.openSessionRequest) return open(payload);
      const session = payload.length >= 8 ? sessions.get(payload.readUInt32LE(4)) : undefined;
      if (!session) return undefined;
      if (type === payloadType.rakp1 && payload.length >= 28)
        return rakp1(session, payload, { users: bmc.users, guid });
      return type === payloadType.rakp3 ? rakp3(session, payload) : undefined;
    },
  };
}

function chooseSuite(payload: Buffer, taken: readonly number[]): CipherSuite | undefined {
  const wanted = [payload[12], payload[20], payload[28]].map((byte) => (byte ?? 0) & 0x3f);
  return cipherSuites.find(
    ({ id, algorithms }) => taken.includes(id) && algorithms.every((alg, i) => alg === wanted[i]),
  );
}

function rakp1(
  session: Session,
  payload: Buffer,
  { users, guid }: { users: ReadonlyMap<number, BmcUserAccount>; guid: Buffer },
): Buffer {
  const [tag = 0] = payload;
  const { suite, consoleId, bmcId } = session;
  const nameLength = payload[27] ?? 0;
  const name = payload.subarray(28, 28 + nameLength);
  const user = [...users.values()].find((account) => account.enabled && account.name === name.toString('latin1'));
  const refusal = !user ? status.unauthorizedName : roleRefusal(payload[24], user);
  if (!user || refusal !== undefined) {
    return outside(payloadType.rakp2, Buffer.from([tag, refusal ?? 0, 0, 0]), consoleId);
  }
  const bmcRandom = randomBytes(16);
  session.keys = deriveKeys({
    suite,
    consoleId,
    bmcId,
    consoleRandom: Buffer.from(payload.subarray(8, 24)),
    bmcRandom,
    guid,
    role: Buffer.from([payload[24] ?? 0, nameLength, ...name]),
    password: user.password,
  });
  return outside(payloadType.rakp2, Buffer.from([tag, 0, 0, 0]), consoleId, bmcRandom, guid, session.keys.rakp2);
}

/** A session above the user's privilege is refused; 0x0f is "no access" (section 22.26). */
function roleRefusal(role: number | undefined, { privilege }: BmcUserAccount): number | undefined {
  const wanted = (role ?? 0) & 0x0f;
  return wanted > privilege || privilege > privilegeAdministrator ? status.unauthorizedRole : undefined;
}

/** The console shows that it knows the password. */
function rakp3(session: Session, payload: Buffer): Buffer {
  const [tag = 0] = payload;
  const { keys, consoleId } = session;
  session.established = keys !== undefined && equal(keys.rakp3, payload.subarray(8));
  if (!keys || !session.established) {
    return outside(payloadType.rakp4, Buffer.from([tag, status.invalidIntegrityCheck, 0, 0]), consoleId);
  }
  return outside(payloadType.rakp4, Buffer.from([tag, 0, 0, 0]), consoleId, keys.rakp4);
}

/** A message of the exchange: RMCP+ form, no session yet. */
function outside(type: number, ...payload: Buffer[]): Buffer {
  return formatPlusPacket({ type, sessionId: 0, sequence: 0, payload: Buffer.concat(payload), encrypted: false });
}
