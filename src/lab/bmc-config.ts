import type { NodeIdentity } from './identity.ts';
import { bmcLogin } from './identity.ts';

/** Files of a simulated BMC, all in one directory. Paths carry no blanks: ipmi_sim hands them to a shell. */
export interface BmcFiles {
  readonly dir: string;
  readonly lan: string;
  readonly emulator: string;
  readonly state: string;
  readonly fru: string;
  readonly sensors: string;
  readonly log: string;
  /** Readings: a number in a file; a change raises events. */
  readonly temperature1: string;
  readonly temperature2: string;
  readonly fan1: string;
}

/** Commands that ipmi_sim runs; it appends what it wants (`get power`, `set reset 1`, ...). */
export interface BmcCallbacks {
  readonly chassis: string;
  readonly lanConfig: string;
}

/** ipmi_sim's lan.conf (ipmi_lan(5)): listening address, users, in-band port, serial-over-LAN. */
export function lanConfig(identity: NodeIdentity, callbacks: BmcCallbacks): string {
  const authentications = ['callback', 'user', 'operator', 'admin']
    .map((level) => `    allowed_auths_${level} none md2 md5 straight`)
    .join('\n');
  const user = (number: number, enabled: boolean, name: string, login: { password: string; level: string }): string =>
    `  user ${number} ${enabled} "${name}" "${login.password}" ${login.level} 10 none md2 md5 straight`;
  return `name "node${identity.number}"
set_working_mc 0x20
  startlan 1
    addr ${identity.bmcAddress} 623
    priv_limit admin
${authentications}
    guid ${guid(identity)}
    lan_config_program "${callbacks.lanConfig}"
  endlan
  chassis_control "${callbacks.chassis}"
  serial kcs 127.0.0.1 ${identity.kcsPort} codec VM
  sol "tcp:127.0.0.1:${identity.serialPort}" 115200 history=8000
${user(1, true, '', { password: 'test', level: 'user' })}
${user(2, true, bmcLogin.user, { password: bmcLogin.password, level: 'admin' })}
${user(3, true, 'operator', { password: 'operator', level: 'operator' })}
${user(4, false, '', { password: '', level: 'user' })}
`;
}

/** ipmi_sim's command file: one management controller with an event log, six sensors and a FRU. */
export function emulatorConfig(identity: NodeIdentity, files: BmcFiles): string {
  const upper = 'enable scanning per-state 000111111000000 000111111000000 000111111000000 000111111000000';
  const lower = 'enable scanning per-state 000000000111111 000000000111111 000000000111111 000000000111111';
  return `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_set_guid 0x20 ${guid(identity)}
# 0 watchdog (must be 0), 1 and 2 temperatures, 3 fan (hundreds of rpm), 4 voltage, 5 presence of the power supply
sensor_add 0x20 0 0 35 0x6f event-only
sensor_set_event_support 0x20 0 0 enable scanning per-state 000000000001111 000000000000000 000000000001111 000000000000000
sensor_add 0x20 0 1 0x01 0x01 poll 1000 file "${files.temperature1}"
sensor_set_threshold 0x20 0 1 settable 111000 0x64 0x5a 0x50 00 00 00
sensor_set_event_support 0x20 0 1 ${upper}
sensor_add 0x20 0 2 0x01 0x01 poll 1000 file "${files.temperature2}"
sensor_set_threshold 0x20 0 2 settable 111000 0x64 0x5a 0x50 00 00 00
sensor_set_event_support 0x20 0 2 ${upper}
sensor_add 0x20 0 3 0x04 0x01 poll 1000 file "${files.fan1}"
sensor_set_threshold 0x20 0 3 settable 000111 0xff 0xff 0xff 0x14 0x0a 0x05
sensor_set_event_support 0x20 0 3 ${lower}
sensor_add 0x20 0 4 0x02 0x01
sensor_set_value 0x20 0 4 120 0
sensor_add 0x20 0 5 0x08 0x6f
sensor_set_bit_clr_rest 0x20 0 5 0 1 0
mc_add_fru_data 0x20 0 256 file 0 "${files.fru}"
mc_enable 0x20
`;
}

/** Answers of the LAN configuration program, as `NAME:VALUE` lines. */
export function lanAnswers(identity: NodeIdentity): string {
  const answers = {
    ip_addr: identity.bmcAddress,
    ip_addr_src: 'static',
    mac_addr: identity.bmcMac,
    subnet_mask: identity.bmcNetmask,
    default_gw_ip_addr: identity.bmcGateway,
    default_gw_mac_addr: '52:54:00:78:00:01',
    backup_gw_ip_addr: '0.0.0.0',
    backup_gw_mac_addr: '00:00:00:00:00:00',
  };
  return Object.entries(answers)
    .map(([name, value]) => `${name}:${value}\n`)
    .join('');
}

/** The BMC's GUID is the system's UUID without its dashes. */
function guid(identity: NodeIdentity): string {
  return identity.uuid.replaceAll('-', '');
}
