import type { Lease } from '../../src/model/records.ts';
import { foreignPeer } from '../../src/southbound/script-peer.ts';

const mac = '52:54:00:77:01:00';
const peer = '172.31.128.50';
const now = new Date('2026-01-01T00:00:00Z');
const lease = (address: string, more: Partial<Lease> = {}): Lease => ({
  id: address,
  version: 1,
  schemaVersion: 1,
  createdAt: '',
  updatedAt: '',
  subnet: '172.31.128.0/24',
  address,
  mac,
  clientKey: '',
  addressKey: '',
  state: 'bound',
  expiresAt: '2026-01-01T01:00:00.000Z',
  ...more,
});
const ranOut = { expiresAt: '2025-12-31T23:00:00.000Z' };

test.each([
  ['its lease', [lease(peer)], true, undefined],
  ['its lease in one of two subnets', [lease('10.0.0.5'), lease(peer)], true, undefined],
  ['its lease that ran out, whose address nobody took', [lease(peer, ranOut)], true, undefined],
  ['no lease, where others give out the addresses', [], false, undefined],
  ['no lease, where we give out the addresses', [], true, /no lease of ours/],
  ['an address that it found in use', [lease(peer, { state: 'declined' })], true, /no lease of ours/],
  ['another address than its lease', [lease('172.31.128.60')], false, /its lease is 172\.31\.128\.60/],
  ['neither of its two leases', [lease('172.31.128.60'), lease('10.0.0.5')], false, /172\.31\.128\.60, 10\.0\.0\.5/],
  ['a former lease, beside one that runs', [lease(peer, ranOut), lease('10.0.0.5')], true, /its lease is 10\.0\.0\.5/],
])('a script asked for from %s', (_, leases, ours, reason) => {
  const refusal = foreignPeer({ mac, peer, leases, ours, now });
  if (reason === undefined) expect(refusal).toBeUndefined();
  else expect(refusal).toMatch(reason);
});
