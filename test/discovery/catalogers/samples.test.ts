import { readFileSync } from 'node:fs';

import type { Section } from '../../../src/discovery/catalogers/cataloger.ts';
import { catalogerFor } from '../../../src/discovery/catalogers/index.ts';

const sample = (name: string) => readFileSync(`test/fixtures/on-tasks/${name}`, 'utf8');

const parse = (source: string, output: string) => {
  const parsed = catalogerFor(source)!.parse(output);
  if (!parsed.ok) throw new Error(`${source}: ${parsed.reason}`);
  return { ...parsed, data: parsed.data as Section };
};

/** What RackHD's own tests expect of these samples, and what we add to it. */
describe("the samples of RackHD's tests", () => {
  test('dmi: a Quanta server', () => {
    const { data, summary } = parse('dmi', sample('dmidecode-quanta.txt'));

    expect(data['System Information']).toMatchObject({ 'Wake-up Type': 'Power Switch' });
    expect((data['BIOS Information'] as Section).Characteristics).toContain('PCI is supported');
    expect(data['Processor Information']).toHaveLength(2);
    expect(Array.isArray(data['Memory Device'])).toBe(true);
    expect(summary).toMatchObject({ cpuCount: 2 });
  });

  test('dmi: a Supermicro server', () => {
    const { data, summary } = parse('dmi', sample('dmidecode-supermicro.txt'));

    expect(data['Base Board Information']).toMatchObject({ Manufacturer: 'Supermicro' });
    expect(data['BIOS Language Information']).toMatchObject({ 'Installable Languages': ['en|US|iso8859-1'] });
    expect(summary).toEqual({
      vendor: 'Supermicro',
      product: 'X9DRT-P',
      serial: 'ZM143S051601',
      cpuModel: 'Intel(R) Xeon(R) CPU E5-2650 v2 @ 2.60GHz',
      cpuCount: 2,
      cpuCores: 16,
      memoryBytes: 512 * 2 ** 30,
    });
  });

  test('lshw: every port of a machine with several adapters', () => {
    const { data, summary, lookups } = parse('lshw', sample('multi-nic-lshw.txt'));

    expect(data.id).toBe('monorail-micro');
    expect(lookups).toEqual([{ mac: 'f8:bc:12:0b:0b:40' }, { mac: 'f8:bc:12:0b:0b:41' }]);
    expect(summary).toMatchObject({ serial: '5BC2082', macs: ['f8:bc:12:0b:0b:40', 'f8:bc:12:0b:0b:41'] });
  });

  test('lspci', () => {
    const { data } = parse('lspci', sample('lspci.txt'));

    expect(data[1]).toEqual({
      Slot: '00:01.1',
      Class: 'IDE interface [0101]',
      Vendor: 'Intel Corporation [8086]',
      Device: '82371AB/EB/MB PIIX4 IDE [7111]',
      Rev: '01',
      ProgIf: '8a',
    });
  });

  test('driveId', () => {
    const { data, summary } = parse('driveId', sample('driveid.txt'));

    expect(data).toEqual(JSON.parse(sample('driveid.txt')));
    expect(summary).toBeUndefined();
  });

  test('bmc: without an address there is nothing to look up', () => {
    const { data, summary, lookups } = parse('bmc', sample('lan-print.txt'));

    expect(data).toMatchObject({
      'Set in Progress': 'Set Complete',
      'Auth Type Support': 'NONE MD2 MD5 PASSWORD',
      'Auth Type Enable': {
        Callback: 'MD2 MD5 PASSWORD',
        User: 'MD2 MD5 PASSWORD',
        Operator: 'MD2 MD5 PASSWORD',
        Admin: 'MD2 MD5 PASSWORD',
        OEM: 'MD2 MD5 PASSWORD',
      },
      'IP Address Source': 'DHCP Address',
      'IP Address': '0.0.0.0',
      'MAC Address': '00:25:90:83:d4:4c',
      'BMC ARP Control': 'ARP Responses Enabled, Gratuitous ARP Disabled',
      '802.1q VLAN ID': 'Disabled',
      'RMCP+ Cipher Suites': '1,2,3,6,7,8,11,12',
      'Cipher Suite Priv Max': [
        'aaaaXXaaaXXaaXX',
        'X=Cipher Suite Unused',
        'c=CALLBACK',
        'u=USER',
        'o=OPERATOR',
        'a=ADMIN',
        'O=OEM',
      ],
    });
    expect(summary).toEqual({ bmcMac: '00:25:90:83:d4:4c' });
    expect(lookups).toBeUndefined();
  });

  test('bmc: with an address', () => {
    const { summary, lookups } = parse(
      'bmc',
      sample('lan-print.txt').replace(/^(IP Address +: ).*$/m, '$1192.168.128.2'),
    );

    expect(summary).toEqual({ bmcMac: '00:25:90:83:d4:4c', bmcAddress: '192.168.128.2' });
    expect(lookups).toEqual([{ mac: '00:25:90:83:d4:4c', ip: '192.168.128.2' }]);
  });

  test('bmc: a channel without a MAC is no catalog', () => {
    expect(
      catalogerFor('bmc')!.parse(sample('lan-print.txt').replace('00:25:90:83:d4:4c', '00:00:00:00:00:00')),
    ).toEqual({
      ok: false,
      reason: 'there is no MAC address in it: this channel is no LAN, or there is no BMC',
    });
  });

  test('ipmi-fru', () => {
    const { data } = parse('ipmi-fru', sample('quanta_fru.txt'));

    expect(Object.keys(data)).toEqual(
      expect.arrayContaining(['Builtin FRU Device (ID 0)', 'AST2300', 'FP FRU (ID 1)']),
    );
    expect(data['Builtin FRU Device (ID 0)']).toMatchObject({
      'Board Mfg Date': 'Tue Apr  8 01:48:00 2014',
      'Board Product': 'S210-X12RS V2',
    });
  });

  test('ipmi-sel: as comma-separated columns', () => {
    const { data } = parse('ipmi-sel', sample('sel-list-csv.txt'));

    expect(data['2']).toEqual(['05/27/2014', '21:22:20', 'System Event #0x83', 'Timestamp Clock Sync', 'Asserted']);
  });
});

describe('other forms of output', () => {
  test('lldp: one neighbour, in the shape of the keyvalue form', () => {
    const chassis = {
      mgmt01: {
        id: { type: 'mac', value: '00:1c:73:ac:94:89' },
        descr: 'Arista Networks EOS version 4.14.7M',
        'mgmt-ip': '10.240.19.102',
        capability: [
          { type: 'Bridge', enabled: true },
          { type: 'Router', enabled: false },
        ],
      },
    };
    const port = { id: { type: 'ifname', value: 'Ethernet50' }, descr: 'Not received', ttl: '120' };
    const neighbour = { via: 'LLDP', rid: '1', age: '0 day, 00:08:35', chassis, port };
    const { data } = parse('lldp', JSON.stringify({ lldp: { interface: { p20p2: neighbour } } }));

    expect(data).toEqual({
      p20p2: {
        via: 'LLDP',
        rid: '1',
        age: '0 day, 00:08:35',
        chassis: {
          mac: '00:1c:73:ac:94:89',
          name: 'mgmt01',
          descr: 'Arista Networks EOS version 4.14.7M',
          'mgmt-ip': '10.240.19.102',
          Bridge: { enabled: 'on' },
          Router: { enabled: 'off' },
        },
        port: { ifname: 'Ethernet50', descr: 'Not received', ttl: '120' },
      },
    });
  });

  test('lldp: no neighbour, two on one port, one without a name', () => {
    const chassis = { id: { type: 'local', value: 'x' } };
    const one = { rid: '1', chassis, port: {} };
    const two = { rid: '2', chassis, port: {} };

    expect(parse('lldp', '{"lldp": {}}').data).toEqual({});
    expect(
      parse('lldp', JSON.stringify({ lldp: { interface: [{ e0: one }, { e0: two }, { e0: two }] } })).data,
    ).toEqual({
      e0: {
        rid: '1',
        chassis: { local: 'x' },
        port: {},
        others: [
          { rid: '2', chassis: { local: 'x' }, port: {} },
          { rid: '2', chassis: { local: 'x' }, port: {} },
        ],
      },
    });
  });

  test('ipmi-sel: as columns of elist, and without entries', () => {
    const elist =
      '   1 | 11/21/2026 | 16:23:01 | Temperature MB Temp | Upper Critical going high | Asserted | Reading 99 > Threshold 90 degrees C\n';

    expect(parse('ipmi-sel', elist).data).toEqual({
      '1': [
        '11/21/2026',
        '16:23:01',
        'Temperature MB Temp',
        'Upper Critical going high',
        'Asserted',
        'Reading 99 > Threshold 90 degrees C',
      ],
    });
    expect(parse('ipmi-sel', '').data).toEqual({});
    expect(parse('ipmi-sel', 'SEL has no entries\n').data).toEqual({});
  });

  test('ipmi-sdr: readings, absent readings, discrete sensors', () => {
    const { data } = parse(
      'ipmi-sdr',
      'Inlet Temp,24,degrees C,ok\nFan 9,,,ns\nPS1 Status,0x01,ok\nPsu1 Status,05h,ok,10.1,Presence detected\n',
    );

    expect(data).toEqual([
      {
        sensorId: 'Inlet Temp',
        sdrType: 'Threshold',
        sensorReading: '24',
        sensorReadingUnits: 'degrees C',
        status: 'ok',
      },
      { sensorId: 'Fan 9', sdrType: 'Threshold', sensorReading: '', sensorReadingUnits: '', status: 'ns' },
      { sensorId: 'PS1 Status', sdrType: 'Threshold', sensorReading: '0x01', sensorReadingUnits: '', status: 'ok' },
      {
        sensorId: 'Psu1 Status',
        sdrType: 'Discrete',
        sensorReading: '05h',
        sensorReadingUnits: '',
        status: 'ok',
        entityId: '10.1',
        statesAsserted: ['Presence detected'],
      },
    ]);
  });

  test('dmi: what vendors leave at its placeholder is not taken for a serial number', () => {
    const heading = 'Handle 0x0001, DMI type 1, 27 bytes\nSystem Information\n';
    const fields =
      '\tManufacturer: To Be Filled By O.E.M.\n\tProduct Name: S210\n\tSerial Number: 0000000000\n\tBus Address: 0000:00:1f.2\n';
    const { data, summary } = parse('dmi', `${heading}${fields}\nEnd Of Table\n`);

    expect(data['System Information']).toMatchObject({ 'Bus Address': '0000:00:1f.2' });
    expect(summary).toEqual({ product: 'S210' });
  });

  test('lsblk: only fixed disks are disks', () => {
    const blockdevices = [
      { name: 'sda', type: 'disk', size: 100, rm: false, model: 'M ', serial: null },
      { name: 'sdb', type: 'disk', size: 100, rm: true },
      { name: 'sr0', type: 'rom', size: 100, rm: true },
      { name: 'sdc', type: 'disk', size: 0, rm: false },
      { name: 'zram0', type: 'disk', size: 100, rm: false },
      'nonsense',
    ];

    expect(parse('lsblk', JSON.stringify({ blockdevices })).summary).toEqual({
      disks: [{ name: 'sda', sizeBytes: 100, model: 'M' }],
    });
  });
});
