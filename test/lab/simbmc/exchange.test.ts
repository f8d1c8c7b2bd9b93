import { createSessions } from '../../../src/lab/simbmc/exchange.ts';
import { payloadType } from '../../../src/lab/simbmc/rmcp.ts';

/** Bytes of an RMCP and an RMCP+ header before the payload (IPMI 2.0 section 13.6). */
const headers = 16;

/** The status of RAKP message 2 for a user of this privilege that asks for that role. */
function askedFor(role: number, privilege: number): number | undefined {
  const users = new Map([[3, { name: 'op', password: 'secret', enabled: true, privilege }]]);
  const sessions = createSessions({ users, suites: () => [17] });
  const request = Buffer.alloc(32);
  [3, 4, 1].forEach((algorithm, index) => request.writeUInt8(algorithm, 12 + index * 8));
  const opened = sessions.exchange(payloadType.openSessionRequest, request);
  const rakp1 = Buffer.concat([Buffer.alloc(28), Buffer.from('op')]);
  opened?.copy(rakp1, 4, headers + 8, headers + 12);
  rakp1.writeUInt8(role, 24);
  rakp1.writeUInt8(2, 27);
  return sessions.exchange(payloadType.rakp1, rakp1)?.[headers + 1];
}

test.each([
  ['an administrator as administrator', 0x14, 4, 0],
  ['an operator as operator', 0x13, 3, 0],
  ['an operator as administrator', 0x14, 3, 0x0a],
  ['a user without access', 0x12, 0x0f, 0x0a],
])('%s', (_, role, privilege, status) => {
  expect(askedFor(role, privilege)).toBe(status);
});
