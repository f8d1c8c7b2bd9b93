import { findLocalNetwork } from '../../src/net/interfaces.ts';

const info = (address: string, cidr: string) => ({
  address,
  cidr,
  netmask: '',
  mac: '',
  internal: cidr.startsWith('127.'),
  family: 'IPv4' as const,
});
const interfaces = {
  lo: [info('127.0.0.1', '127.0.0.1/8')],
  br0: [info('172.31.128.1', '172.31.128.1/24'), info('10.0.0.1', '10.0.0.1/8')],
};

test('finds by name, by address, by both', () => {
  expect(findLocalNetwork({ interface: 'br0' }, interfaces)).toMatchObject({
    address: '172.31.128.1',
    network: { cidr: '172.31.128.0/24' },
  });
  expect(findLocalNetwork({ address: '10.0.0.1' }, interfaces)).toMatchObject({
    interface: 'br0',
    network: { cidr: '10.0.0.0/8' },
  });
  expect(findLocalNetwork({ interface: 'br0', address: '10.0.0.1' }, interfaces).address).toBe('10.0.0.1');
});

test('names what is missing and what there is', () => {
  expect(() => findLocalNetwork({ interface: 'eth7' }, interfaces)).toThrow(
    'southbound: this machine has no interface eth7; it has lo 127.0.0.1/8, br0 172.31.128.1/24, br0 10.0.0.1/8',
  );
  expect(() => findLocalNetwork({ interface: 'lo', address: '10.0.0.1' }, interfaces)).toThrow(
    'no interface lo with address 10.0.0.1',
  );
});

test('any loopback address is one of ours', () => {
  expect(findLocalNetwork({ address: '127.31.0.1' }, interfaces)).toMatchObject({
    interface: 'lo',
    address: '127.31.0.1',
  });
});
