import { isIpv4, netmask, networkContains, parseNetwork } from '../../src/net/address.ts';
import { parseMac } from '../../src/net/mac.ts';

describe('parseNetwork', () => {
  test.each([
    ['172.31.128.0/24', '172.31.128.0/24', '255.255.255.0'],
    ['10.1.2.3/8', '10.0.0.0/8', '255.0.0.0'],
    ['0.0.0.0/0', '0.0.0.0/0', '0.0.0.0'],
    ['192.0.2.7/32', '192.0.2.7/32', '255.255.255.255'],
  ])('reads %s as %s with mask %s', (text, cidr, mask) => {
    const network = parseNetwork(text);
    expect(network.cidr).toBe(cidr);
    expect(netmask(network)).toBe(mask);
  });

  test.each(['', '10.0.0.0', '10.0.0.0/33', '300.0.0.0/8', '10.0.0.0/x', 'fe80::/10'])('refuses %p', (text) => {
    expect(() => parseNetwork(text, 'southbound.subnets[0].cidr')).toThrow(/southbound\.subnets\[0\]\.cidr: expected/);
  });

  test('knows what it contains', () => {
    const network = parseNetwork('172.31.128.0/24');
    expect(networkContains(network, '172.31.128.255')).toBe(true);
    expect(networkContains(network, '172.31.129.0')).toBe(false);
    expect(networkContains(network, 'garbage')).toBe(false);
  });
});

test.each(['01.2.3.4', '1.2.3', '1.2.3.4.5', '256.1.1.1', ' 1.2.3.4'])('%p is no IPv4 address', (text) => {
  expect(isIpv4(text)).toBe(false);
});

test.each([
  ['52:54:00:77:01:00', '52:54:00:77:01:00'],
  ['52-54-00-77-01-AB', '52:54:00:77:01:ab'],
  ['5254.0077.0100', '52:54:00:77:01:00'],
  ['525400770100', '52:54:00:77:01:00'],
  ['52:54:00:77:01', undefined],
  ['not a mac', undefined],
])('parseMac(%p) is %p', (text, mac) => {
  expect(parseMac(text)).toBe(mac);
});
