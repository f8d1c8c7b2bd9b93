import { numberToIpv4, ipv4ToNumber, type Ipv4 } from '../../net/address.ts';
import { describeError } from '../../errors.ts';
import { createSimBmc, type SimBmc } from '../simbmc/bmc.ts';
import type { CommandResult } from './agent.ts';
import type { Inventory } from './inventory.ts';
import { createSimNode, type SimFaults, type SimNode } from './node.ts';
import type { Relay } from './relay.ts';

/** Machines of a simulated rack, each with its BMC, on loopback addresses of their own. */
export interface FleetOptions {
  readonly count: number;
  readonly relay: Relay;
  readonly tftpPort: number;
  readonly inventory: Inventory;
  /** First address of BMCs, one after the other; undefined: the machines have none (port 623 needs a privilege). */
  readonly firstBmc?: Ipv4;
  readonly faults?: (index: number) => SimFaults | undefined;
  onStep?(index: number, step: string): void;
  /** Waits of loaders and agents are divided by this. */
  readonly speed?: number;
}

export interface Machine {
  readonly node: SimNode;
  readonly serial: string;
  readonly uuid: string;
  readonly bmc: SimBmc | undefined;
  /** Each command that an agent ran here, with how often: an attempt run twice shows. */
  readonly commands: ReadonlyMap<string, number>;
}

export interface Fleet {
  readonly machines: readonly Machine[];
  close(): Promise<void>;
}

/** IPMI's port: learned BMC addresses carry no other. */
const ipmiPort = 623;

export async function createFleet(options: FleetOptions): Promise<Fleet> {
  const machines: Machine[] = [];
  const close = async (): Promise<void> => {
    for (const { node } of machines) node.powerOff();
    await Promise.all(machines.flatMap(({ bmc }) => (bmc ? [bmc.close()] : [])));
  };
  try {
    for (let index = 0; index < options.count; index += 1) machines.push(await createMachine(options, index));
  } catch (error) {
    await close();
    throw error;
  }
  return { machines, close };
}

async function createMachine(options: FleetOptions, index: number): Promise<Machine> {
  const number = index + 1;
  const hex = number.toString(16).padStart(4, '0');
  const mac = `52:54:00:5a:${hex.slice(0, 2)}:${hex.slice(2)}`;
  const uuid = `5a5a0000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
  const serial = `SIM${String(number).padStart(5, '0')}`;
  const bmcAddress = options.firstBmc === undefined ? undefined : numberToIpv4(ipv4ToNumber(options.firstBmc) + index);
  const commands = new Map<string, number>();
  const node = createSimNode({
    mac,
    uuid,
    arch: index % 2 === 0 ? 0 : 7,
    relay: options.relay,
    tftpPort: options.tftpPort,
    speed: options.speed ?? 50,
    onStep: (step) => options.onStep?.(index, step),
    faults: options.faults?.(index) ?? {},
    run(command, environment) {
      const key = command.slice(0, 40);
      commands.set(key, (commands.get(key) ?? 0) + 1);
      return runOnMachine(command, environment, {
        options,
        bmc,
        facts: { serial, mac, uuid, bmcAddress: bmcAddress ?? '' },
      });
    },
  });
  const controls = {
    isOn: () => node.isOn(),
    powerOn: () => {
      node.powerOn();
    },
    powerOff: () => {
      node.powerOff();
    },
    softOff: () => {
      node.powerOff();
    },
    reset: () => {
      node.reset();
    },
    setBootDevice: (device: 'pxe' | 'disk') => {
      node.setBootDevice(device);
    },
  };
  const bmc =
    bmcAddress === undefined
      ? undefined
      : await createSimBmc({
          address: bmcAddress,
          port: ipmiPort,
          machine: controls,
          user: 'admin',
          password: 'admin',
        });
  return { node, serial, uuid, bmc, commands };
}

interface OnMachine {
  readonly options: FleetOptions;
  readonly bmc: SimBmc | undefined;
  readonly facts: Parameters<Inventory>[1];
}

/** What a command does here: sets the BMC's user in band, or prints what was captured. */
function runOnMachine(
  command: string,
  environment: Readonly<Record<string, string>>,
  { options, bmc, facts }: OnMachine,
): CommandResult {
  if (command.startsWith('ipmitool') && !bmc) return failed('Could not open device at /dev/ipmi0');
  const { BMC_USER: user, BMC_PASSWORD: password } = environment;
  if (bmc && user !== undefined && password !== undefined) {
    bmc.setUser(user, password);
    return { code: 0, stdout: '', stderr: '' };
  }
  try {
    return options.inventory(command, facts) ?? failed(`${command.split(' ')[0] ?? ''}: not found`);
  } catch (error) {
    return failed(describeError(error));
  }
}

function failed(stderr: string): CommandResult {
  return { code: 127, stdout: '', stderr };
}
