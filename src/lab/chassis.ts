import { describeError } from '../errors.ts';
import type { LabEventBody } from './events.ts';
import type { LabNode } from './node.ts';
import { waitFor } from './wait.ts';

/** A command that a BMC carried out, as it came: one sent twice stands here twice. */
export interface BmcEffect {
  readonly at: string;
  /** `set power 1`, `set reset 1`, `set boot pxe`, ... */
  readonly command: string;
}

/** What the chassis script prints, and whether ipmi_sim is told that it worked. */
export interface ChassisAnswer {
  readonly ok: boolean;
  readonly text: string;
}

export interface Chassis {
  /** Carries out one command line of ipmi_sim: `get NAME...` or `set NAME VALUE...`. */
  readonly command: (line: string) => Promise<ChassisAnswer>;
  /** Every `set` so far. */
  readonly effects: () => readonly BmcEffect[];
}

export interface ChassisDeps {
  readonly node: LabNode;
  readonly emit: (event: LabEventBody) => void;
  readonly now: () => Date;
}

/**
 * A client sends its command again after a second without an answer, and it would be carried out twice. So power
 * changes go on in the background; for so long we wait that a power status which follows at once is the new one.
 */
const settleMs = 700;

/** How many words follow each parameter that can be set. */
const setters: Readonly<Record<string, number>> = { power: 1, reset: 1, shutdown: 1, boot: 1, identify: 2 };

export function createChassis(deps: ChassisDeps): Chassis {
  const { node } = deps;
  const number = node.machine.identity.number;
  const effects: BmcEffect[] = [];

  const inBackground = (work: Promise<void>): void => {
    work.catch((error: unknown) => {
      deps.emit({ kind: 'trouble', node: number, text: describeError(error) });
    });
  };
  const set = async (name: string, value: string): Promise<void> => {
    const command = `set ${name} ${value}`;
    effects.push({ at: deps.now().toISOString(), command });
    deps.emit({ kind: 'bmc', node: number, command });
    if (name === 'power') {
      inBackground(value === '1' ? node.powerOn() : node.powerOff());
      const wanted = value === '1' ? 'on' : 'off';
      const settled = (): true | undefined => (node.power() === wanted ? true : undefined);
      await waitFor('power', settled, { deadlineMs: settleMs, stepMs: 20 }).catch(() => undefined);
    } else if (name === 'reset') inBackground(node.reset());
    else if (name === 'shutdown') inBackground(node.soft());
    else if (name === 'boot') inBackground(node.setBootDevice(bootDevices[value]));
  };

  return {
    effects: () => [...effects],
    command: async (line) => {
      const [verb, ...words] = line.split(' ').filter((word) => word !== '');
      if (verb === 'get') return get(node, words);
      const assignments = verb === 'set' ? parseAssignments(words) : undefined;
      if (assignments === undefined) return { ok: false, text: `not understood: ${line}\n` };
      for (const [name, value] of assignments) await set(name, value);
      return { ok: true, text: '' };
    },
  };
}

/** ipmi_sim's words for the boot device; `default` is the disk. */
const bootDevices: Readonly<Record<string, 'pxe' | 'disk'>> = { pxe: 'pxe', default: 'disk' };

function get(node: LabNode, names: readonly string[]): ChassisAnswer {
  const device = node.bootDevice();
  const values: Readonly<Record<string, string>> = {
    power: node.power() === 'on' ? '1' : '0',
    boot: device === undefined ? 'none' : device === 'disk' ? 'default' : device,
  };
  const lines = names.map((name) => `${name}:${values[name] ?? ''}\n`);
  return { ok: names.every((name) => name in values), text: lines.join('') };
}

function parseAssignments(words: readonly string[]): [name: string, value: string][] | undefined {
  if (words.length === 0) return undefined;
  const assignments: [string, string][] = [];
  for (let at = 0; at < words.length;) {
    const name = words[at] ?? '';
    const count = setters[name];
    const values = words.slice(at + 1, at + 1 + (count ?? 0));
    if (count === undefined || values.length === 0) return undefined;
    assignments.push([name, values.join(' ')]);
    at += 1 + count;
  }
  return assignments;
}
