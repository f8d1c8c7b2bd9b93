import type { IpmiRequest } from './rmcp.ts';

/** The machine that a simulated BMC controls. */
export interface BmcMachine {
  isOn(): boolean;
  powerOn(): void;
  powerOff(): void;
  reset(): void;
  /** ACPI shutdown. */
  softOff(): void;
  setBootDevice(device: 'pxe' | 'disk'): void;
}

export interface BmcUserAccount {
  name: string;
  password: string;
  enabled: boolean;
  privilege: number;
}

/** What happened to a BMC: never hides a repeated command. */
export interface BmcEffect {
  readonly at: Date;
  readonly effect: 'power on' | 'power off' | 'cycle' | 'reset' | 'soft' | 'boot pxe' | 'boot disk' | 'identify';
}

export interface BmcState {
  readonly machine: BmcMachine;
  /** By slot, 1 to 10 (IPMI 2.0 section 22.26). */
  readonly users: Map<number, BmcUserAccount>;
  readonly effects: BmcEffect[];
}

/** Completion code and data. */
export type BmcAnswer = readonly [completion: number, data?: readonly number[]];

const ok = 0x00;
const invalidCommand = 0xc1;
const invalidData = 0xcc;
export const privilegeAdministrator = 4;

/** NetFn and command -> handler (IPMI 2.0 appendix G). A command that is not here is answered "invalid command". */
const commands: Readonly<Record<string, (state: BmcState, data: Buffer) => BmcAnswer>> = {
  // Get Device ID, section 20.1
  '6/1': () => [ok, [0x20, 1, 1, 0, 2, 0x8f, 0x57, 0x01, 0, 0, 0, 0, 0, 0, 0]],
  // Set Session Privilege Level, section 22.18
  '6/59': (_, data) => [ok, [data[0] === 0 ? privilegeAdministrator : (data[0] ?? 0)]],
  // Get and set of users, sections 22.26 to 22.30
  '6/67': setUserAccess,
  '6/68': getUserAccess,
  '6/69': setUserName,
  '6/70': getUserName,
  '6/71': setUserPassword,
  // Get Chassis Status, section 28.2
  '0/1': ({ machine }) => [ok, [machine.isOn() ? 0x61 : 0x60, 0, 0, 0]],
  '0/2': chassisControl,
  // Chassis Identify, section 28.5
  '0/4': (state) => [note(state, 'identify'), []],
  '0/8': setBootOptions,
};

/** Carries a command out. */
export function runCommand(state: BmcState, { netFn, command, data }: IpmiRequest): BmcAnswer {
  return commands[`${netFn}/${command}`]?.(state, data) ?? [invalidCommand];
}

function note(state: BmcState, effect: BmcEffect['effect']): number {
  state.effects.push({ at: new Date(), effect });
  return ok;
}

/** Section 28.3: 0 off, 1 on, 2 cycle, 3 reset, 5 soft. */
function chassisControl(state: BmcState, data: Buffer): BmcAnswer {
  const { machine } = state;
  switch (data[0]) {
    case 0:
      machine.powerOff();
      return [note(state, 'power off')];
    case 1:
      machine.powerOn();
      return [note(state, 'power on')];
    case 2:
      // "Power cycle" does nothing to a machine that is off.
      if (!machine.isOn()) return [0xd5];
      machine.powerOff();
      machine.powerOn();
      return [note(state, 'cycle')];
    case 3:
      if (!machine.isOn()) return [0xd5];
      machine.reset();
      return [note(state, 'reset')];
    case 5:
      machine.softOff();
      return [note(state, 'soft')];
    default:
      return [invalidData];
  }
}

/** Section 28.12; parameter 5 is the boot flags of table 28-14, the device in bits 5:2 of its second byte. */
function setBootOptions(state: BmcState, data: Buffer): BmcAnswer {
  if ((data[0] ?? 0) !== 5) return [ok];
  const device = ((data[2] ?? 0) >> 2) & 0x0f;
  if (device !== 1 && device !== 2) return [ok];
  const name = device === 1 ? 'pxe' : 'disk';
  state.machine.setBootDevice(name);
  return [note(state, `boot ${name}`)];
}

function slotOf(byte: number | undefined): number {
  return (byte ?? 0) & 0x3f;
}

function setUserAccess(state: BmcState, data: Buffer): BmcAnswer {
  const user = state.users.get(slotOf(data[1]));
  if (!user) return [invalidData];
  user.privilege = (data[2] ?? 0) & 0x0f;
  return [ok];
}

function getUserAccess(state: BmcState, data: Buffer): BmcAnswer {
  const user = state.users.get(slotOf(data[1]));
  if (!user) return [invalidData];
  const enabled = [...state.users.values()].filter((other) => other.enabled).length;
  return [ok, [state.users.size, (user.enabled ? 0x40 : 0x80) | enabled, 1, 0x30 | user.privilege]];
}

function setUserName(state: BmcState, data: Buffer): BmcAnswer {
  const user = state.users.get(slotOf(data[0]));
  if (!user) return [invalidData];
  user.name = text(data.subarray(1, 17));
  return [ok];
}

function getUserName(state: BmcState, data: Buffer): BmcAnswer {
  const user = state.users.get(slotOf(data[0]));
  if (!user) return [invalidData];
  return [ok, [...Buffer.alloc(16, 0).fill(user.name, 0, user.name.length)]];
}

/** Operation 0 disable, 1 enable, 2 set password, 3 test password. */
function setUserPassword(state: BmcState, data: Buffer): BmcAnswer {
  const user = state.users.get(slotOf(data[0]));
  const operation = (data[1] ?? 0) & 3;
  if (!user) return [invalidData];
  if (operation === 2) user.password = text(data.subarray(2));
  else if (operation === 3) return [text(data.subarray(2)) === user.password ? ok : 0x80];
  else user.enabled = operation === 1;
  return [ok];
}

function text(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/\0.*$/s, '');
}
