import { containerIdentity } from '../../src/lab/container-node.ts';
import { lanAnswers } from '../../src/lab/bmc-config.ts';
import { nodeIdentity } from '../../src/lab/identity.ts';

const container = (address: string): Parameters<typeof containerIdentity>[0] => ({
  address,
  netmask: '255.255.252.0',
  cidr: `${address}/22`,
  mac: '02:42:ac:1f:80:0b',
});

test('a node is who its container’s address says; the BMC has that address itself', () => {
  const identity = containerIdentity(container('172.31.128.12'));
  expect(identity).toMatchObject({ number: 2, mac: nodeIdentity(2).mac, uuid: nodeIdentity(2).uuid });
  expect(lanAnswers(identity).split('\n')).toEqual(
    expect.arrayContaining([
      'ip_addr:172.31.128.12',
      'mac_addr:02:42:ac:1f:80:0b',
      'subnet_mask:255.255.252.0',
      'default_gw_ip_addr:0.0.0.0',
    ]),
  );
});

test.each(['172.31.128.10', '172.31.131.211', '172.31.131.0'])('%s names no node', (address) => {
  expect(() => containerIdentity(container(address))).toThrow(
    `address: expected a last byte from 11 (node 1) to 210 (node 200), got ${address}`,
  );
});
