import type { BootAnswer } from '../../src/boot/client.ts';
import { identifyClient } from '../../src/dhcp/client.ts';
import { answer, claimModes, plan, selectSubnet, wantsBoot, type Gathered } from '../../src/dhcp/machine.ts';
import { describeOptions } from '../../src/dhcp/options.ts';
import type { DhcpPacket } from '../../src/dhcp/packet.ts';
import type { Arrival, Situation } from '../../src/dhcp/situation.ts';
import type { DhcpSubnet } from '../../src/dhcp/subnet.ts';
import type { Lease } from '../../src/model/records.ts';
import { parseNetwork } from '../../src/net/address.ts';
import { ipxeOptions, makeMessage, makePacket, pxeOptions } from './messages.ts';
import { makeSubnet } from './subnets.ts';

const serverAddress = '10.1.0.1';
const ports = { server: 67, client: 68, proxy: 4011 };
const broadcast: Arrival = { from: { address: '0.0.0.0', port: 68 }, unicast: false, service: 'dhcp' };
const toUs: Arrival = { from: { address: '10.1.0.12', port: 68 }, unicast: true, service: 'dhcp' };
const onProxyPort: Arrival = { from: { address: '10.1.0.12', port: 4011 }, unicast: true, service: 'proxy' };
const relayed = makeSubnet({ network: parseNetwork('10.2.0.0/24'), pools: [{ from: '10.2.0.10', to: '10.2.0.19' }] });
const undionly: BootAnswer = { kind: 'file', file: 'undionly.kpxe', nextServer: serverAddress };
const granted: Gathered = { claimed: { ok: true, lease: {} as Lease } };

function situationOf(
  request: DhcpPacket,
  arrival = broadcast,
  subnets: readonly DhcpSubnet[] = [makeSubnet(), relayed],
) {
  const subnet = selectSubnet(request, arrival, { subnets, serverAddress });
  return { arrival, serverAddress, ports, subnet, client: identifyClient(request) } satisfies Situation;
}

function planOf(request: DhcpPacket, arrival?: Arrival, subnets?: readonly DhcpSubnet[]) {
  return plan(request, situationOf(request, arrival, subnets));
}

/** The reply's options, header fields that matter, and where it goes. */
function replyTo(request: DhcpPacket, gathered: Gathered, arrival?: Arrival, subnets?: readonly DhcpSubnet[]) {
  const situation = situationOf(request, arrival, subnets);
  const result = answer(request, situation, plan(request, situation), gathered);
  if (result.kind === 'ignore') return result;
  const { packet, to } = result.reply;
  return { ...packet, to: `${to.address}:${to.port}`, options: describeOptions(packet.options) };
}

describe('DISCOVER', () => {
  const discover = makeMessage('DISCOVER', { flags: 0x8000, options: pxeOptions(0) });

  test('is answered with an address and a boot file, by broadcast', () => {
    const subnet = makeSubnet({
      router: serverAddress,
      dns: ['9.9.9.9', '1.1.1.1'],
      domain: 'lab.example',
      ntp: ['10.1.0.5'],
    });
    const gathered = { offered: { ok: true, address: '10.1.0.12' }, boot: undionly } as const;
    expect(replyTo(discover, gathered, broadcast, [subnet])).toEqual({
      op: 2,
      htype: 1,
      hops: 0,
      xid: 0x01020304,
      secs: 0,
      flags: 0x8000,
      ciaddr: '0.0.0.0',
      yiaddr: '10.1.0.12',
      siaddr: serverAddress,
      giaddr: '0.0.0.0',
      chaddr: discover.chaddr,
      sname: '',
      file: 'undionly.kpxe',
      to: '255.255.255.255:68',
      options: {
        '53 message-type': 'OFFER',
        '54 server-identifier': serverAddress,
        '51 lease-time': '3600',
        '58 renewal-time': '1800',
        '59 rebinding-time': '3150',
        '1 subnet-mask': '255.255.255.0',
        '3 router': serverAddress,
        '6 dns-servers': '9.9.9.9 1.1.1.1',
        '15 domain-name': "'lab.example'",
        '28 broadcast-address': '10.1.0.255',
        '42 ntp-servers': '10.1.0.5',
        '67 boot-file': "'undionly.kpxe'",
        '66 tftp-server-name': `'${serverAddress}'`,
        '97 client-uuid': '03020100-0504-0706-0809-0a0b0c0d0e0f',
      },
    });
  });

  test('of a client with nothing to do is answered with an address and no boot file', () => {
    const boot = { kind: 'none', reason: 'it is discovered' } as const;
    const reply = replyTo(discover, { offered: { ok: true, address: '10.1.0.12' }, boot });
    expect(reply).toMatchObject({ yiaddr: '10.1.0.12', siaddr: '0.0.0.0', file: '' });
    expect(Object.keys((reply as { options: object }).options)).toEqual([
      '53 message-type',
      '54 server-identifier',
      '51 lease-time',
      '58 renewal-time',
      '59 rebinding-time',
      '1 subnet-mask',
      '28 broadcast-address',
    ]);
  });

  test('gets only what it asked for, beyond what every client needs', () => {
    const request = makeMessage('DISCOVER', { options: { 55: [1, 6] } });
    const subnet = makeSubnet({ dns: ['9.9.9.9'], ntp: ['10.1.0.5'], domain: 'lab.example' });
    const reply = replyTo(request, { offered: { ok: true, address: '10.1.0.12' } }, broadcast, [subnet]);
    expect(reply).toMatchObject({ options: { '6 dns-servers': '9.9.9.9' } });
    expect(reply).not.toMatchObject({ options: { '42 ntp-servers': expect.anything() as unknown } });
    expect(reply).not.toMatchObject({ options: { '15 domain-name': expect.anything() as unknown } });
  });

  test('HTTP Boot firmware is told its class and a URL', () => {
    const file = `http://10.1.0.1:9080/files/${'x'.repeat(120)}.efi`;
    const boot = { kind: 'file', file, nextServer: serverAddress, vendorClass: 'HTTPClient' } as const;
    const request = makeMessage('DISCOVER', { options: pxeOptions(16, 'HTTPClient:Arch:00016:UNDI:003000') });
    const reply = replyTo(request, { offered: { ok: true, address: '10.1.0.12' }, boot });
    expect(reply).toMatchObject({ file: '', options: { '60 vendor-class': "'HTTPClient'" } });
    expect(reply).toMatchObject({ options: { '67 boot-file': `'${file}'` } });
  });

  test('of a client behind a relay goes back to the relay, with options 61 and 82 as they came', () => {
    const options = { 82: [1, 2, 7, 7], 61: [1, 2, 3], 12: [65] };
    const request = makeMessage('DISCOVER', { giaddr: '10.2.0.1', hops: 1, options });
    expect(situationOf(request).subnet).toBe(relayed);
    const reply = replyTo(request, { offered: { ok: true, address: '10.2.0.12' } });
    expect(reply).toMatchObject({ to: '10.2.0.1:67', giaddr: '10.2.0.1', yiaddr: '10.2.0.12' });
    expect(reply).toMatchObject({ options: { '82 relay-agent': '01020707', '61 client-identifier': '010203' } });
    expect(Object.keys((reply as { options: object }).options)).not.toContain('12 host-name');
  });

  test('with no free address is not answered', () => {
    expect(replyTo(discover, { offered: { ok: false, reason: 'exhausted' } })).toEqual({
      kind: 'ignore',
      reason: 'the pools of 10.1.0.0/24 have no free address',
    });
  });

  test('with a forged ciaddr is answered by broadcast', () => {
    const forged = makeMessage('DISCOVER', { ciaddr: '192.0.2.1' });
    expect(replyTo(forged, { offered: { ok: true, address: '10.1.0.12' } })).toMatchObject({
      to: '255.255.255.255:68',
    });
  });
});

describe('the subnet', () => {
  test.each([
    ['our own network, for a broadcast', makeMessage('DISCOVER'), broadcast, '10.1.0.0/24'],
    ["the relay's", makeMessage('DISCOVER', { giaddr: '10.2.0.1' }), broadcast, '10.2.0.0/24'],
    [
      "the relay's link selection (RFC 3527)",
      makeMessage('DISCOVER', { giaddr: '10.1.0.9', options: { 82: [1, 1, 9, 5, 4, 10, 2, 0, 0] } }),
      broadcast,
      '10.2.0.0/24',
    ],
    ['that of a renewing client behind a router', makeMessage('REQUEST', { ciaddr: '10.2.0.12' }), toUs, '10.2.0.0/24'],
    ['none, for a strange relay', makeMessage('DISCOVER', { giaddr: '10.9.0.1' }), broadcast, undefined],
    ['that of the sender, on port 4011', makeMessage('REQUEST', { ciaddr: '10.9.0.1' }), onProxyPort, '10.1.0.0/24'],
  ])('is %s', (_, request, arrival, cidr) => {
    expect(situationOf(request, arrival).subnet?.network.cidr).toBe(cidr);
  });
});

describe('REQUEST (RFC 2131 section 4.3.2)', () => {
  test.each([
    ['selecting', makeMessage('REQUEST', { server: serverAddress, requested: '10.1.0.12' }), broadcast, 'new'],
    ['init-reboot', makeMessage('REQUEST', { requested: '10.1.0.12' }), broadcast, 'known'],
    ['renewing', makeMessage('REQUEST', { ciaddr: '10.1.0.12' }), toUs, 'restore'],
    ['rebinding', makeMessage('REQUEST', { ciaddr: '10.1.0.12' }), broadcast, 'known'],
    ['rebinding', makeMessage('REQUEST', { ciaddr: '10.2.0.12', giaddr: '10.2.0.1' }), toUs, 'known'],
  ] as const)('in state %s claims the address', (state, request, arrival, mode) => {
    const address = request.ciaddr === '0.0.0.0' ? '10.1.0.12' : request.ciaddr;
    expect(planOf(request, arrival)).toEqual({ kind: 'claim', address, state });
    expect(claimModes[state]).toBe(mode);
  });

  test('for another server is only noticed', () => {
    const request = makeMessage('REQUEST', { server: '10.1.0.3', requested: '10.1.0.44' });
    expect(planOf(request)).toEqual({
      kind: 'other-server',
      server: '10.1.0.3',
      reason: 'it took the offer of another server',
    });
  });

  test('for an address of another network is refused, by broadcast', () => {
    const request = makeMessage('REQUEST', { requested: '192.168.1.7' });
    expect(replyTo(request, {})).toMatchObject({
      to: '255.255.255.255:68',
      yiaddr: '0.0.0.0',
      options: {
        '53 message-type': 'NAK',
        '54 server-identifier': serverAddress,
        '56 message': "'192.168.1.7 is not in 10.1.0.0/24'",
      },
    });
  });

  test('is refused through the relay with the broadcast bit set', () => {
    const request = makeMessage('REQUEST', { requested: '192.168.1.7', giaddr: '10.2.0.1' });
    expect(replyTo(request, {})).toMatchObject({ to: '10.2.0.1:67', flags: 0x8000 });
  });

  test.each([
    ['taken', '10.1.0.12 belongs to another client'],
    ['outside', '10.1.0.12 is not ours to give'],
    ['other', '10.1.0.12 is not the address that we gave to this client'],
  ] as const)('whose claim fails (%s) is refused, without a word of booting', (reason, message) => {
    const request = makeMessage('REQUEST', { server: serverAddress, requested: '10.1.0.12', options: pxeOptions(0) });
    const reply = replyTo(request, { claimed: { ok: false, reason }, boot: undionly });
    expect(reply).toMatchObject({ siaddr: '0.0.0.0', file: '', options: { '56 message': `'${message}'` } });
    expect(Object.keys((reply as { options: object }).options)).toHaveLength(3);
  });

  test('of a client without a record is not answered', () => {
    const request = makeMessage('REQUEST', { requested: '10.1.0.12' });
    expect(replyTo(request, { claimed: { ok: false, reason: 'unknown' } })).toEqual({
      kind: 'ignore',
      reason: 'we have no record of its address 10.1.0.12 (init-reboot)',
    });
  });

  test('that names no address is not answered', () => {
    expect(planOf(makeMessage('REQUEST', { server: serverAddress }))).toMatchObject({ kind: 'ignore' });
  });

  test('is acknowledged with the boot file again: some ROMs read it there', () => {
    const request = makeMessage('REQUEST', { server: serverAddress, requested: '10.1.0.12', options: pxeOptions(0) });
    expect(replyTo(request, { ...granted, boot: undionly })).toMatchObject({
      to: '255.255.255.255:68',
      yiaddr: '10.1.0.12',
      file: 'undionly.kpxe',
      options: { '53 message-type': 'ACK' },
    });
  });

  test('of a renewing client is acknowledged to its address', () => {
    const request = makeMessage('REQUEST', { ciaddr: '10.1.0.12' });
    expect(replyTo(request, granted, toUs)).toMatchObject({ to: '10.1.0.12:68', ciaddr: '10.1.0.12' });
  });
});

describe('the other messages', () => {
  test('INFORM is acknowledged without an address or its times', () => {
    const request = makeMessage('INFORM', { ciaddr: '10.1.0.77' });
    const reply = replyTo(request, {}, toUs);
    expect(reply).toMatchObject({ to: '10.1.0.77:68', yiaddr: '0.0.0.0', options: { '53 message-type': 'ACK' } });
    expect(reply).not.toMatchObject({ options: { '51 lease-time': expect.anything() as unknown } });
  });

  test.each([
    [
      'RELEASE',
      makeMessage('RELEASE', { ciaddr: '10.1.0.12', server: serverAddress }),
      { kind: 'release', address: '10.1.0.12' },
    ],
    [
      'DECLINE',
      makeMessage('DECLINE', { requested: '10.1.0.12', server: serverAddress }),
      { kind: 'decline', address: '10.1.0.12' },
    ],
  ])('%s is carried out and not answered', (_, request, expected) => {
    expect(planOf(request)).toEqual(expected);
    expect(replyTo(request, {})).toMatchObject({ kind: 'ignore' });
  });

  test.each([
    ['RELEASE to another server', makeMessage('RELEASE', { ciaddr: '10.1.0.12', server: '10.1.0.3' })],
    ['DECLINE to nobody', makeMessage('DECLINE', { requested: '10.1.0.12' })],
    ['DECLINE of nothing', makeMessage('DECLINE', { server: serverAddress })],
    ['INFORM from elsewhere', makeMessage('INFORM', { ciaddr: '10.9.0.1' })],
    ['plain BOOTP', makePacket({})],
    ['a server message', makePacket({ options: { 53: [2] } })],
    ['a message type that does not exist', makePacket({ options: { 53: [99] } })],
    ['a reply', { ...makeMessage('DISCOVER'), op: 2 }],
    ['a client without Ethernet', makeMessage('DISCOVER', { htype: 32, chaddr: new Uint8Array() })],
    ['a strange network', makeMessage('DISCOVER', { giaddr: '10.9.0.1' })],
  ])('%s is ignored', (_, request) => {
    expect(planOf(request)).toMatchObject({ kind: 'ignore', reason: expect.stringMatching(/\w/) as string });
  });
});

describe('only addresses', () => {
  test('nobody is told what to boot', () => {
    const request = makeMessage('DISCOVER', { options: pxeOptions(0) });
    const situation = situationOf(request, broadcast, [makeSubnet({ boot: false })]);
    expect(plan(request, situation)).toEqual({ kind: 'offer' });
    expect(wantsBoot(plan(request, situation), situation)).toBe(false);
  });
});

describe('only boot (proxyDHCP)', () => {
  const proxy = [makeSubnet({ addresses: false, pools: [] })];

  test('offers a boot file without an address, with what PXE firmware wants to see', () => {
    const request = makeMessage('DISCOVER', { options: pxeOptions(0) });
    const reply = replyTo(request, { boot: undionly }, broadcast, proxy);
    expect(reply).toMatchObject({
      to: '255.255.255.255:68',
      yiaddr: '0.0.0.0',
      siaddr: serverAddress,
      file: 'undionly.kpxe',
    });
    expect((reply as { options: object }).options).toEqual({
      '53 message-type': 'OFFER',
      '54 server-identifier': serverAddress,
      '60 vendor-class': "'PXEClient'",
      '67 boot-file': "'undionly.kpxe'",
      '66 tftp-server-name': `'${serverAddress}'`,
      '97 client-uuid': '03020100-0504-0706-0809-0a0b0c0d0e0f',
      '43 vendor-specific': '0601080a0400505845ff',
    });
  });

  test('iPXE gets its script, and no vendor options', () => {
    const request = makeMessage('DISCOVER', { options: ipxeOptions });
    const boot = { ...undionly, file: 'http://10.1.0.1:9080/boot/script' };
    const reply = replyTo(request, { boot }, broadcast, proxy);
    expect(reply).toMatchObject({
      siaddr: serverAddress,
      file: boot.file,
      options: { '60 vendor-class': "'PXEClient'" },
    });
    expect(Object.keys((reply as { options: object }).options)).not.toContain('43 vendor-specific');
  });

  test('HTTP Boot firmware is answered in its own class', () => {
    const request = makeMessage('DISCOVER', { options: pxeOptions(16, 'HTTPClient:Arch:00016:UNDI:003000') });
    const boot = { ...undionly, vendorClass: 'HTTPClient' } as const;
    const reply = replyTo(request, { boot }, broadcast, proxy);
    expect(reply).toMatchObject({ options: { '60 vendor-class': "'HTTPClient'" } });
    expect(Object.keys((reply as { options: object }).options)).not.toContain('43 vendor-specific');
  });

  test('answers on port 4011 to where the request came from, echoing the boot item', () => {
    const options = { ...pxeOptions(0), 43: [71, 4, 0, 2, 0, 0, 255] };
    const request = makeMessage('REQUEST', { xid: 0, ciaddr: '10.1.0.12', options });
    expect(replyTo(request, { boot: undionly }, onProxyPort, proxy)).toMatchObject({
      xid: 0,
      to: '10.1.0.12:4011',
      ciaddr: '0.0.0.0',
      yiaddr: '10.1.0.12',
      file: 'undionly.kpxe',
      options: { '53 message-type': 'ACK', '43 vendor-specific': '470400020000ff' },
    });
  });

  test('a client with nothing to boot hears nothing', () => {
    const request = makeMessage('DISCOVER', { options: pxeOptions(0) });
    const boot = { kind: 'none', reason: 'it is discovered' } as const;
    expect(replyTo(request, { boot }, broadcast, proxy)).toEqual({
      kind: 'ignore',
      reason: 'it has nothing to boot from us: it is discovered',
    });
  });

  test.each([
    ['an operating system', makeMessage('DISCOVER'), broadcast],
    ['the REQUEST for an address', makeMessage('REQUEST', { server: '10.1.0.3', options: pxeOptions(0) }), broadcast],
    ['a DISCOVER on port 4011', makeMessage('DISCOVER', { options: pxeOptions(0) }), onProxyPort],
  ])('%s is left to the other server', (_, request, arrival) => {
    expect(planOf(request, arrival, proxy)).toMatchObject({ kind: 'ignore' });
  });
});

describe('neither (observing)', () => {
  const watched = [makeSubnet({ addresses: false, boot: false })];

  test.each([
    ['DISCOVER', makeMessage('DISCOVER', { options: pxeOptions(0) }), broadcast],
    ['INIT-REBOOT', makeMessage('REQUEST', { requested: '192.168.1.7' }), broadcast],
    ['INFORM', makeMessage('INFORM', { ciaddr: '10.1.0.12' }), toUs],
    ['port 4011', makeMessage('REQUEST', { ciaddr: '10.1.0.12', options: pxeOptions(0) }), onProxyPort],
  ])('%s is not answered', (_, request, arrival) => {
    expect(planOf(request, arrival, watched)).toMatchObject({ kind: 'ignore' });
  });

  test('whose offer a client takes is noticed', () => {
    const request = makeMessage('REQUEST', { server: '10.1.0.3', requested: '10.1.0.44' });
    expect(planOf(request, broadcast, watched)).toMatchObject({ kind: 'other-server', server: '10.1.0.3' });
  });
});

test('an operating system is never told what to boot', () => {
  const request = makeMessage('DISCOVER');
  const situation = situationOf(request);
  expect(wantsBoot(plan(request, situation), situation)).toBe(false);
});
