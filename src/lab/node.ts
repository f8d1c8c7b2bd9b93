import { describeError } from '../errors.ts';
import type { BootDevice, BootIndexes } from './boot-order.ts';
import { bootIndexChanges, bootIndexes } from './boot-order.ts';
import type { LabProcess, SpawnProcess } from './children.ts';
import type { LabEventBody } from './events.ts';
import type { BootOrder } from './options.ts';
import type { Machine } from './qemu.ts';
import { qemuCommand } from './qemu.ts';
import type { Qmp, QmpEvent } from './qmp.ts';
import { connectQmp } from './qmp.ts';
import type { WorkQueue } from './queue.ts';
import { createQueue } from './queue.ts';
import { sizeOf, waitForLine } from './serial.ts';

export type Power = 'on' | 'off';

/** A virtual server's mainboard: what its BMC, or a test, can do to it. Commands are carried out in their order. */
export interface LabNode {
  readonly machine: Machine;
  readonly power: () => Power;
  /** No effect on a machine that is on. Throws where QEMU does not start. */
  readonly powerOn: () => Promise<void>;
  readonly powerOff: () => Promise<void>;
  /** A machine that is off is powered on. */
  readonly reset: () => Promise<void>;
  /** The ACPI power button: what happens then is the guest's affair. */
  readonly soft: () => Promise<void>;
  /** Chooses the device of the next boot, and of that one only; undefined takes the choice back. */
  readonly setBootDevice: (device: BootDevice | undefined) => Promise<void>;
  readonly bootDevice: () => BootDevice | undefined;
  /** When the machine last began to boot. */
  readonly bootedAt: () => Date | undefined;
  /** Waits for a match on the serial line since the last boot; throws code `deadline` or `kernel-panic`. */
  readonly waitSerial: (pattern: RegExp, deadlineMs: number) => Promise<RegExpMatchArray>;
}

export interface NodeDeps {
  readonly machine: Machine;
  readonly bootOrder: BootOrder;
  readonly spawn: SpawnProcess;
  /** Called before each boot: power-on, or reset by whomever. */
  readonly beforeBoot: () => Promise<void>;
  readonly emit: (event: LabEventBody) => void;
  readonly now: () => Date;
}

/** Milliseconds. QEMU's monitor answers within 0.2 s on an idle machine. */
const monitorDeadlineMs = 20_000;
const powerOffGraceMs = 3_000;

/**
 * Firmware resets the machine by itself right after it was reset (SeaBIOS twice in 30 ms; OVMF where its memory map
 * changed): so long, milliseconds, a reset belongs to the boot that is under way.
 */
const settleMs = 2_000;

interface Running {
  readonly process: LabProcess;
  readonly qmp: Qmp;
}

/** A one-shot choice of boot device. It is in use from the first boot that it steers, and dropped `settleMs` later. */
interface Override {
  readonly device: BootDevice;
  inUse: boolean;
}

interface BoardState {
  process: LabProcess | undefined;
  running: Running | undefined;
  override: Override | undefined;
  bootedAt: Date | undefined;
  serialFrom: number;
  /** Why the machine goes off, where we know. */
  offCause: string;
}

export function createNode(deps: NodeDeps): LabNode {
  const { machine } = deps;
  const queue = createQueue();
  const state: BoardState = {
    process: undefined,
    running: undefined,
    override: undefined,
    bootedAt: undefined,
    serialFrom: 0,
    offCause: '',
  };
  const power = (): Power => (state.process?.alive() === true ? 'on' : 'off');
  const board = createBoard(deps, state, queue.push);

  return {
    machine,
    power,
    bootDevice: () => state.override?.device,
    bootedAt: () => state.bootedAt,
    powerOn: async () => {
      await queue.push(board.start);
    },
    powerOff: async () => {
      await queue.push(board.stop);
    },
    reset: async () => {
      await queue.push(async () => {
        if (power() === 'on') await board.reset();
        else await board.start();
      });
    },
    soft: async () => {
      await queue.push(async () => {
        await state.running?.qmp.execute('system_powerdown');
      });
    },
    setBootDevice: async (device) => {
      await queue.push(async () => {
        state.override = device && { device, inUse: false };
        deps.emit({ kind: 'boot-device', node: machine.identity.number, device: device ?? 'none' });
        await applyOrder(state, bootIndexes(deps.bootOrder, device));
      });
    },
    waitSerial: async (pattern, deadlineMs) =>
      await waitForLine(machine.files.serialLog, pattern, { from: state.serialFrom, deadlineMs }),
  };
}

interface Board {
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  readonly reset: () => Promise<void>;
}

async function applyOrder(state: BoardState, indexes: BootIndexes): Promise<void> {
  for (const change of bootIndexChanges(indexes)) await state.running?.qmp.execute('qom-set', change);
}

async function beginBoot(deps: NodeDeps, state: BoardState): Promise<void> {
  state.serialFrom = await sizeOf(deps.machine.files.serialLog);
  state.bootedAt = deps.now();
  await deps.beforeBoot();
}

function createBoard(deps: NodeDeps, state: BoardState, later: WorkQueue['push']): Board {
  const { machine } = deps;
  const node = machine.identity.number;
  const trouble = (error: unknown): void => {
    deps.emit({ kind: 'trouble', node, text: describeError(error) });
  };
  /** QEMU hands the order over at a reset: from now on it can be put back for the next, ordinary boot. */
  const useOverride = (): void => {
    const used = state.override;
    if (used === undefined || used.inUse) return;
    used.inUse = true;
    const drop = async (): Promise<void> => {
      if (state.override !== used) return;
      state.override = undefined;
      await applyOrder(state, bootIndexes(deps.bootOrder));
    };
    setTimeout(() => {
      later(drop).catch(trouble);
    }, settleMs).unref();
  };
  const onEvent = ({ event, data }: QmpEvent): void => {
    if (event === 'SHUTDOWN') state.offCause ||= data.guest === true ? 'guest' : 'host';
    if (event !== 'RESET') return;
    const sinceBoot = deps.now().getTime() - (state.bootedAt?.getTime() ?? 0);
    const byGuest = data.guest === true;
    if (byGuest && sinceBoot < settleMs) return;
    deps.emit({ kind: 'reset', node, cause: byGuest ? 'guest' : 'bmc' });
    useOverride();
    later(async () => {
      await beginBoot(deps, state);
    }).catch(trouble);
  };

  const start = async (): Promise<void> => {
    if (state.process?.alive() === true) return;
    await beginBoot(deps, state);
    const argv = qemuCommand(machine, bootIndexes(deps.bootOrder, state.override?.device));
    const process = await deps.spawn({ name: `node${node}`, argv, logFile: machine.files.qemuLog });
    state.process = process;
    state.offCause = '';
    const qmp = await connectQmp(machine.files.monitor, {
      deadlineMs: monitorDeadlineMs,
      onEvent,
      alive: process.alive,
    });
    state.running = { process, qmp };
    deps.emit({ kind: 'power', node, power: 'on', cause: 'bmc' });
    void process.exited.then(() => {
      qmp.close();
      if (state.running?.process === process) state.running = undefined;
      deps.emit({ kind: 'power', node, power: 'off', cause: state.offCause || 'unknown' });
    });
    useOverride();
  };

  return {
    start,
    stop: async () => {
      state.offCause ||= 'bmc';
      await state.process?.stop(powerOffGraceMs);
    },
    reset: async () => {
      await state.running?.qmp.execute('system_reset');
    },
  };
}
