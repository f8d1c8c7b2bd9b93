import { renderNodes, renderTable } from '../../src/lab/table.ts';

describe('tables', () => {
  it('lines up columns', () => {
    expect(renderTable([['A', 'BBB'], ['aaaa', 'b'], ['a']])).toEqual(['A     BBB', 'aaaa  b', 'a']);
  });

  it('shows a node with all that discovery learned', () => {
    const [header, row] = renderNodes([
      {
        id: '65a1b2c3d4e5f60718293a4b',
        name: 'node-1',
        state: { name: 'discovered' },
        summary: {
          serial: 'LAB00001',
          cpuCount: 1,
          cpuModel: 'Lab Virtual CPU',
          memoryBytes: 768 * 2 ** 20,
          disks: [{ name: 'vda', sizeBytes: 4 * 2 ** 30 }],
          macs: ['52:54:00:77:01:00'],
        },
        addresses: [{ mac: '52:54:00:77:01:00', address: '172.31.128.50' }],
        bmc: { address: '172.31.132.11' },
      },
    ]);
    expect(header?.split(/\s{2,}/)).toEqual([
      'ID',
      'NAME',
      'STATE',
      'SERIAL',
      'CPU',
      'MEMORY',
      'DISKS',
      'MAC',
      'IP',
      'BMC',
    ]);
    expect(row?.split(/\s{2,}/)).toEqual([
      ...['65a1b2c3d4e5f60718293a4b', 'node-1', 'discovered', 'LAB00001', '1 x Lab Virtual CPU', '768 MiB'],
      ...['vda 4 GiB', '52:54:00:77:01:00', '172.31.128.50', '172.31.132.11'],
    ]);
  });

  it('shows a node of which nothing is known yet', () => {
    const [, row] = renderNodes([{ id: 'i', name: 'n', state: { name: 'new' }, summary: {} }]);
    expect(row).toMatch(/^i +n +new$/);
  });
});
