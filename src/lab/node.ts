import { describeError, RackwrightError } from '../errors.ts';
import type { BootDevice } from './boot-order.ts';
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
import { lastLines } from './tail.ts';

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
  /** Presses keys of its keyboard together, by QEMU's names for them (`QKeyCode`). No effect on a machine that is off. */
  readonly pressKeys: (...keys: readonly string[]) => Promise<void>;
  /** When the machine last began to boot. */
  readonly bootedAt: () => Date | undefined;
  /** Waits for a match on the serial line since the last boot; throws code `deadline` or `kernel-panic`. */
  readonly waitSerial: (pattern: RegExp, deadlineMs: number) => Promise<RegExpMatchArray>;
}

export interface NodeDeps {
  readonly machine: Machine;
  readonly bootOrder: BootOrder;
  readonly spawn: SpawnProcess;
  /** Called at each boot: before a power-on, right after a reset. */
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
  const board = createBoard(deps, state, queue);

  return {
    machine,
    power,
    bootDevice: () => state.override?.device,
    bootedAt: () => state.bootedAt,
    powerOn: async () => {
      await queue.push(async () => {
        await start(board);
      });
    },
    powerOff: async () => {
      await queue.push(async () => {
        await stop(board);
      });
    },
    reset: async () => {
      await queue.push(async () => {
        if (power() === 'on') await state.running?.qmp.execute('system_reset');
        else await start(board);
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
        await applyOrder(board, device);
      });
    },
    pressKeys: async (...keys) => {
      await queue.push(async () => {
        await state.running?.qmp.execute('send-key', { keys: keys.map((data) => ({ type: 'qcode', data })) });
      });
    },
    waitSerial: async (pattern, deadlineMs) =>
      await waitForLine(machine.files.serialLog, pattern, { from: state.serialFrom, deadlineMs }),
  };
}

/** What the steps below work on. */
interface Board {
  readonly deps: NodeDeps;
  readonly state: BoardState;
  /** Does it after what is under way, and tells of its failure: for what nobody waits for. */
  readonly later: (work: () => Promise<void>) => void;
}

function createBoard(deps: NodeDeps, state: BoardState, queue: WorkQueue): Board {
  const later: Board['later'] = (work) => {
    queue.push(work).catch((error: unknown) => {
      deps.emit({ kind: 'trouble', node: deps.machine.identity.number, text: describeError(error) });
    });
  };
  return { deps, state, later };
}

async function start(board: Board): Promise<void> {
  const { deps, state } = board;
  const { files, identity } = deps.machine;
  if (state.process?.alive() === true) return;
  markBoot(board);
  await deps.beforeBoot();
  const argv = qemuCommand(
    deps.machine,
    bootIndexes(deps.bootOrder, deps.machine.disks.length, state.override?.device),
  );
  const process = await deps.spawn({ name: `node${identity.number}`, argv, logFile: files.qemuLog });
  state.process = process;
  state.offCause = '';
  const qmp = await connectQmp(files.monitor, {
    deadlineMs: monitorDeadlineMs,
    onEvent: (event) => {
      onEvent(board, event);
    },
    alive: process.alive,
  }).catch(async (cause: unknown) => {
    await process.stop(0);
    const said = await lastLines(files.qemuLog, 3);
    throw new RackwrightError('qemu', `node ${identity.number} did not power on: ${said}`, { cause });
  });
  state.running = { process, qmp };
  deps.emit({ kind: 'power', node: identity.number, power: 'on', cause: 'bmc' });
  void process.exited.then(() => {
    qmp.close();
    if (state.running?.process === process) state.running = undefined;
    deps.emit({ kind: 'power', node: identity.number, power: 'off', cause: state.offCause || 'unknown' });
  });
  useOverride(board);
}

async function stop({ state }: Board): Promise<void> {
  state.offCause ||= 'bmc';
  await state.process?.stop(powerOffGraceMs);
}

function markBoot({ deps, state }: Board): void {
  state.bootedAt = deps.now();
  state.serialFrom = sizeOf(deps.machine.files.serialLog);
}

async function applyOrder({ deps, state }: Board, device?: BootDevice): Promise<void> {
  const disks = deps.machine.disks.length;
  for (const change of bootIndexChanges(bootIndexes(deps.bootOrder, disks, device), disks)) {
    await state.running?.qmp.execute('qom-set', change);
  }
}

/** The firmware was handed the order at the reset: from now on it can be put back for the next, ordinary boot. */
function useOverride(board: Board): void {
  const { state } = board;
  const used = state.override;
  if (used === undefined || used.inUse) return;
  used.inUse = true;
  setTimeout(() => {
    board.later(async () => {
      if (state.override !== used) return;
      state.override = undefined;
      await applyOrder(board);
    });
  }, settleMs).unref();
}

function onEvent(board: Board, { event, data }: QmpEvent): void {
  const { deps, state } = board;
  const byGuest = data.guest === true;
  if (event === 'SHUTDOWN') state.offCause ||= byGuest ? 'guest' : 'host';
  if (event !== 'RESET') return;
  if (byGuest && deps.now().getTime() - (state.bootedAt?.getTime() ?? 0) < settleMs) return;
  markBoot(board);
  deps.emit({ kind: 'reset', node: deps.machine.identity.number, cause: byGuest ? 'guest' : 'bmc' });
  useOverride(board);
  board.later(deps.beforeBoot);
}
