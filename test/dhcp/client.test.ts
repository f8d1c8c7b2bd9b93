import { identifyClient } from '../../src/dhcp/client.ts';
import { describeOptions, textBytes } from '../../src/dhcp/options.ts';
import { decodePacket, encodePacket } from '../../src/dhcp/packet.ts';
import { ipxeOptions, makeMessage, makePacket, pxeOptions } from './messages.ts';

const ascii = (text: string) => [...textBytes(text)];

test.each([
  ['a PXE ROM', pxeOptions(0), 'firmware'],
  ['HTTP Boot', pxeOptions(16, 'HTTPClient:Arch:00016:UNDI:003000'), 'firmware'],
  ['iPXE by its user class in plain text', ipxeOptions, 'ipxe'],
  ['iPXE by its user class as RFC 3004 has it', { ...pxeOptions(0), 77: [4, ...ascii('iPXE')] }, 'ipxe'],
  ['iPXE by a second user class', { ...pxeOptions(0), 77: [3, ...ascii('lab'), 4, ...ascii('iPXE')] }, 'ipxe'],
  ['iPXE by its own option', { ...pxeOptions(7), 175: [] }, 'ipxe'],
  ['another user class', { ...pxeOptions(0), 77: ascii('gPXE') }, 'firmware'],
  ['an empty user class', { ...pxeOptions(0), 77: [0, 0] }, 'firmware'],
  ['udhcpc', { 60: ascii('udhcp 1.35.0') }, 'os'],
  ['nobody in particular', {}, 'os'],
])('%s is recognised', (_, options, stage) => {
  expect(identifyClient(makeMessage('DISCOVER', { options }))?.stage).toBe(stage);
});

test('reads UUID (first three fields turned round), architecture, class and host name', () => {
  const options = { ...pxeOptions(7), 12: ascii('node-1') };
  expect(identifyClient(makeMessage('DISCOVER', { options }))).toEqual({
    mac: '52:54:00:00:00:01',
    uuid: '03020100-0504-0706-0809-0a0b0c0d0e0f',
    arch: 7,
    stage: 'firmware',
    vendorClass: 'PXEClient:Arch:00007:UNDI:003000',
    hostname: 'node-1',
  });
});

test('what cannot be told is absent', () => {
  const options = { 97: [1, 2, 3], 93: [7], 12: ascii('-rm -rf /'), 60: [] };
  expect(identifyClient(makeMessage('DISCOVER', { options }))).toEqual({ mac: '52:54:00:00:00:01', stage: 'os' });
});

test('a class of unprintable bytes is made printable', () => {
  const options = { 60: [27, 91, 65, 200] };
  expect(identifyClient(makeMessage('DISCOVER', { options }))?.vendorClass).toBe('?[A?');
});

test.each([
  ['InfiniBand without a hardware address (RFC 4390)', { htype: 32, chaddr: new Uint8Array() }],
  ['five bytes', { chaddr: new Uint8Array(5).fill(2) }],
  ['zeros', { chaddr: new Uint8Array(6) }],
  ['a group address', { chaddr: Uint8Array.of(1, 0, 0x5e, 0, 0, 1) }],
  ['broadcast', { chaddr: new Uint8Array(6).fill(255) }],
])('%s is no client', (_, header) => {
  expect(identifyClient(makePacket(header))).toBeUndefined();
});

test('of a datagram full of one option only a little is kept', () => {
  const options = { 60: new Array<number>(60_000).fill(65), 12: new Array<number>(3_000).fill(66) };
  const packet = decodePacket(encodePacket(makeMessage('DISCOVER', { options }), 65_507).bytes);
  expect(packet.options.get(60)).toHaveLength(60_000);
  expect(identifyClient(packet)).toMatchObject({ vendorClass: 'A'.repeat(255) });
  expect(describeOptions(packet.options)['60 vendor-class']).toHaveLength(163);
});
