import { checkSubnets, inPools, poolAddress, poolSize, subnetOf } from '../../src/dhcp/subnet.ts';
import { InputError } from '../../src/errors.ts';
import { parseNetwork } from '../../src/net/address.ts';
import { makeSubnet } from './subnets.ts';

const check = (...parts: Parameters<typeof makeSubnet>[0][]) => {
  checkSubnets(
    parts.map((part) => makeSubnet(part)),
    'southbound.subnets',
  );
};

test('accepts what can be served', () => {
  const pair = { network: parseNetwork('10.0.0.0/31'), pools: [{ from: '10.0.0.0', to: '10.0.0.1' }] };
  const watched = { network: parseNetwork('10.2.0.0/16'), pools: [], addresses: false, dns: ['9.9.9.9'] };
  expect(() => {
    check({}, watched, pair);
  }).not.toThrow();
});

test.each([
  [{ pools: [] }, 'southbound.subnets[0].pools: expected at least one range'],
  [{ pools: [{ from: '10.1.0.1', to: '10.2.0.1' }] }, '[0].pools[0].to: expected an address inside 10.1.0.0/24'],
  [{ pools: [{ from: 'x', to: '10.1.0.1' }] }, "[0].pools[0].from: expected an address inside 10.1.0.0/24, got 'x'"],
  [{ pools: [{ from: '10.1.0.9', to: '10.1.0.8' }] }, '[0].pools[0].to: expected an address not before 10.1.0.9'],
  [{ pools: [{ from: '10.1.0.0', to: '10.1.0.8' }] }, '[0].pools[0].from: 10.1.0.0 is the network or broadcast'],
  [{ pools: [{ from: '10.1.0.1', to: '10.1.0.255' }] }, '[0].pools[0].to: 10.1.0.255 is the network or broadcast'],
  [
    {
      pools: [
        { from: '10.1.0.10', to: '10.1.0.20' },
        { from: '10.1.0.5', to: '10.1.0.10' },
      ],
    },
    'pools[1]: overlaps southbound.subnets[0].pools[0]',
  ],
  [
    { network: parseNetwork('10.0.0.0/8'), pools: [{ from: '10.0.0.1', to: '10.20.0.0' }] },
    '[0].pools: expected at most 1048576 addresses',
  ],
  [{ router: '10.2.0.1' }, '[0].router: expected an address inside'],
  [{ dns: ['dns.example'] }, "[0].dns: expected IPv4 addresses, got 'dns.example'"],
  [{ ntp: ['1.2.3'] }, '[0].ntp: expected IPv4 addresses'],
  [{ leaseSeconds: 59 }, '[0].leaseSeconds: expected a whole number of seconds from 60'],
  [{ leaseSeconds: 100.5 }, '[0].leaseSeconds: expected a whole number'],
])('refuses %j, naming the field', (part, message) => {
  expect(() => {
    check(part);
  }).toThrow(InputError);
  expect(() => {
    check(part);
  }).toThrow(message);
});

test('refuses two subnets that overlap', () => {
  const half = { network: parseNetwork('10.1.0.128/25'), pools: [{ from: '10.1.0.200', to: '10.1.0.210' }] };
  expect(() => {
    check({}, half);
  }).toThrow('subnets[1].cidr: overlaps southbound.subnets[0].cidr');
});

test('takes several pools as one', () => {
  const subnet = makeSubnet({
    pools: [
      { from: '10.1.0.10', to: '10.1.0.11' },
      { from: '10.1.0.50', to: '10.1.0.50' },
    ],
  });
  expect(poolSize(subnet)).toBe(3);
  expect([0, 1, 2].map((index) => poolAddress(subnet, index))).toEqual(['10.1.0.10', '10.1.0.11', '10.1.0.50']);
  expect(() => poolAddress(subnet, 3)).toThrow(RangeError);
  expect(['10.1.0.11', '10.1.0.12', '10.1.0.50'].map((address) => inPools(subnet, address))).toEqual([
    true,
    false,
    true,
  ]);
  expect(subnetOf([subnet], '10.1.0.77')).toBe(subnet);
  expect(subnetOf([subnet], '10.1.1.77')).toBeUndefined();
});
