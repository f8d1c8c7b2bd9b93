import { openSqliteStore } from '../../src/store/sqlite/store.ts';

/** A new SQLite store with so many nodes as discovery leaves them, each with an address. */
export async function fillNodes(path: string, count: number): Promise<void> {
  const { store, close } = await openSqliteStore({ path });
  const insertOne = async (index: number): Promise<void> => {
    const id = (0x5f000000 + index).toString(16).padEnd(24, '0');
    const mac = (0x525400000000 + index).toString(16).replace(/..(?!$)/g, '$&:');
    await store.nodes.insert({
      id,
      name: `node-${index}`,
      type: 'compute',
      identifiers: [mac],
      state: { name: 'discovered', since: '2026-01-01T00:00:00.000Z' },
      summary: {
        vendor: 'Dell Inc.',
        product: 'PowerEdge R740',
        serial: `SN${index}`,
        cpuModel: 'Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz',
        cpuCount: 2,
        cpuCores: 32,
        memoryBytes: 2 ** 38,
        disks: [
          { name: 'sda', sizeBytes: 480_103_981_056, model: 'SSDSC2KB48', serial: `D${index}` },
          { name: 'nvme0n1', sizeBytes: 1_920_383_410_176 },
        ],
        macs: [mac],
        bmcAddress: '10.0.0.1',
      },
      tags: ['rack-1'],
      autoDiscover: false,
      sku: null,
      relations: [],
    });
    await store.lookups.insert({ macAddress: mac, ipAddress: `10.1.${index >> 8}.${index & 255}`, node: id });
  };
  // In lots: commits are shared by all writes that wait.
  for (let index = 0; index < count; index += 200) {
    await Promise.all(Array.from({ length: 200 }, (_, offset) => insertOne(index + offset)));
  }
  await close();
}
