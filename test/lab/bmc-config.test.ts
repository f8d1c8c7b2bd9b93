import { bmcFiles } from '../../src/lab/bmc.ts';
import { emulatorConfig, lanAnswers, lanConfig } from '../../src/lab/bmc-config.ts';
import { nodeIdentity } from '../../src/lab/identity.ts';
import { sensorRecords } from '../../src/lab/sdr.ts';

const identity = nodeIdentity(2);

describe('configuration of a simulated BMC', () => {
  it('listens on the node’s own address and calls back for the chassis', () => {
    const text = lanConfig(identity, { chassis: '/x/chassis.sh /s 2', lanConfig: '/x/lan.sh /a' });
    expect(text).toMatch(/^ {4}addr 172\.31\.132\.12 623$/m);
    expect(text).toMatch(/^ {2}chassis_control "\/x\/chassis\.sh \/s 2"$/m);
    expect(text).toMatch(/^ {2}serial kcs 127\.0\.0\.1 21002 codec VM$/m);
    expect(text).toMatch(/^ {2}user 2 true "admin" "admin" admin 10 none md2 md5 straight$/m);
    expect(text).toMatch(/^ {4}guid 4c414230000040008000000000000002$/m);
  });

  it('has a sensor record for every sensor of the emulator', () => {
    const emulated = [...emulatorConfig(identity, bmcFiles('/n')).matchAll(/^sensor_add 0x20 0 (\d+) /gm)].map(
      ([, n]) => n,
    );
    const recorded = [...sensorRecords().matchAll(/^\tsensor_number\t(\d+)$/gm)].map(([, n]) => n);
    expect(emulated).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(recorded).toEqual(emulated);
  });

  it('names sensors so that sdrcomp does not pack them', () => {
    const names = [...sensorRecords().matchAll(/^\tid_string\t"(.+)"$/gm)].map(([, name]) => name!);
    expect(names).toHaveLength(7);
    for (const name of names) expect(name).toMatch(/^(?=.*[a-z]).{6,}$|^Fan 1$/);
  });

  it('answers questions about the LAN line by line', () => {
    expect(lanAnswers(identity).split('\n')).toContain('mac_addr:52:54:00:78:02:00');
  });
});
