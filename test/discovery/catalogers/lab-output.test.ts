import { readdirSync, readFileSync } from 'node:fs';

import type { Parsed } from '../../../src/discovery/catalogers/cataloger.ts';
import { catalogerFor, catalogers } from '../../../src/discovery/catalogers/index.ts';

const folder = 'test/fixtures/lab-output';
const parse = (server: string, source: string): Extract<Parsed, { ok: true }> => {
  const parsed = catalogerFor(source)!.parse(readFileSync(`${folder}/${server}/${source}.txt`, 'utf8'));
  if (!parsed.ok) throw new Error(`${server}/${source}: ${parsed.reason}`);
  return parsed;
};

/** Outputs captured from the discovery OS itself: see the README beside them. */
describe('what the discovery OS reports', () => {
  test('every source of a server is catalogued', () => {
    const captured = readdirSync(`${folder}/uefi-sata`).map((name) => name.replace('.txt', ''));

    expect(captured.sort()).toEqual(catalogers.map(({ source }) => source).sort());
    for (const source of captured) expect(parse('uefi-sata', source).data).toBeDefined();
  });

  test('the sources together make the summary of a node', () => {
    const summary = Object.assign({}, ...catalogers.map(({ source }) => parse('uefi-sata', source).summary)) as unknown;

    expect(summary).toEqual({
      vendor: 'Lab Systems',
      product: 'VirtualNode 1000',
      serial: 'LAB00002',
      cpuModel: 'Lab Virtual CPU @ 2.0GHz',
      cpuCount: 1,
      cpuCores: 2,
      memoryBytes: 2 ** 30,
      disks: [
        { name: 'sda', sizeBytes: 4 * 2 ** 30, model: 'LABDISK-SATA', serial: 'LAB00002-A0' },
        { name: 'sdb', sizeBytes: 2 * 2 ** 30, model: 'LABDISK-SATA', serial: 'LAB00002-A1' },
      ],
      macs: ['52:54:00:77:02:00'],
      bmcAddress: '172.31.132.12',
      bmcMac: '52:54:00:78:02:00',
    });
  });

  test('dmi and lshw agree on the machine', () => {
    expect(parse('bios-scsi', 'lshw').summary).toMatchObject({ vendor: 'Lab Systems', product: 'VirtualNode 1000' });
    expect(parse('bios-scsi', 'lshw').summary?.macs).toEqual(['52:54:00:77:01:00', '52:54:00:77:01:01']);
    expect(parse('bios-scsi', 'lshw').summary?.serial).toBe(parse('bios-scsi', 'dmi').summary?.serial);
  });

  test('the BMC and its address', () => {
    expect(parse('bios-scsi', 'bmc')).toMatchObject({
      data: {
        'Auth Type Enable': { Admin: 'NONE MD2 MD5 PASSWORD', OEM: '' },
        'Bad Password Threshold': 'Not Available',
      },
      lookups: [{ mac: '52:54:00:78:01:00', ip: '172.31.132.11' }],
    });
  });

  test('sensors, events and field-replaceable units', () => {
    expect(parse('bios-scsi', 'ipmi-sdr').data).toHaveLength(5);
    expect(parse('bios-scsi', 'ipmi-sel').data).toMatchObject({
      2: [
        'Pre-Init',
        '0000004223',
        'Temperature MB Temp',
        'Upper Critical going high',
        'Asserted',
        'Reading 99 > Threshold 90 degrees C',
      ],
    });
    expect(parse('bios-scsi', 'ipmi-fru').data).toMatchObject({
      'Builtin FRU Device (ID 0)': { 'Board Mfg Date': 'Fri Sep 18 18:40:00 2020 UTC', 'Product Serial': 'LAB00001' },
    });
  });

  test('the neighbours of both ports', () => {
    expect(parse('bios-scsi', 'lldp').data).toMatchObject({
      eth0: {
        chassis: { mac: '52:54:00:77:01:00', Station: { enabled: 'on' } },
        port: { mac: '52:54:00:77:01:01', descr: 'eth1' },
      },
      eth1: { port: { mac: '52:54:00:77:01:00', descr: 'eth0' } },
    });
  });
});
