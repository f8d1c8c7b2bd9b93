import { nodesTable, type NodeRow } from '../../src/model/nodes-table.ts';

const row = (fields: Partial<NodeRow>): NodeRow => ({
  id: '5f0000000000000000000001',
  name: 'n',
  state: { name: 'discovered' },
  summary: {},
  addresses: [],
  ...fields,
});

test('columns line up, and what is unknown is a dash', () => {
  const node = row({
    name: 'web-1',
    summary: {
      serial: 'S1',
      cpuModel: 'Xeon',
      cpuCount: 2,
      cpuCores: 16,
      memoryBytes: 64 * 2 ** 30,
      disks: [
        { name: 'sda', sizeBytes: 480_103_981_056 },
        { name: 'nvme0n1', sizeBytes: 1_920_383_410_176 },
      ],
      macs: ['52:54:00:00:00:01', '52:54:00:00:00:02'],
    },
    addresses: [{ address: '172.31.128.5' }],
    bmc: { address: '172.31.129.5' },
  });
  expect(nodesTable([node, row({})])).toEqual([
    'ID                        NAME   STATE       SERIAL  CPU                  MEMORY  DISKS                       MACS                                 IP            BMC',
    '5f0000000000000000000001  web-1  discovered  S1      2 x Xeon (16 cores)  64 GiB  sda 480 GB, nvme0n1 1.9 TB  52:54:00:00:00:01 52:54:00:00:00:02  172.31.128.5  172.31.129.5',
    '5f0000000000000000000001  n      discovered  -       -                    -       -                           -                                    -             -',
  ]);
});

test('no node leaves the heading', () => {
  expect(nodesTable([])).toEqual(['ID  NAME  STATE  SERIAL  CPU  MEMORY  DISKS  MACS  IP  BMC']);
});

test.each([
  [{ cpuCount: 1, cpuModel: 'A', cpuCores: 1 }, '1 x A (1 core)'],
  [{ cpuModel: 'A' }, '1 x A'],
  [{ cpuCount: 2 }, '2 x CPU'],
  [{ cpuCores: 4 }, '(4 cores)'],
  [{ memoryBytes: 512 * 2 ** 20 }, '512 MiB'],
  [{ memoryBytes: 1.5 * 2 ** 30 }, '1.5 GiB'],
  [{ disks: [{ name: 'sda', sizeBytes: 0 }] }, 'sda 0 B'],
])('the summary %j shows %s', (summary, text) => {
  expect(nodesTable([row({ summary })])[1]).toContain(text);
});

test('control characters of a machine do not reach the terminal', () => {
  const lines = nodesTable([row({ name: 'a\u001b[2J\nb', summary: { serial: '\u202e123' } })]);
  expect(lines).toHaveLength(2);
  expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});
