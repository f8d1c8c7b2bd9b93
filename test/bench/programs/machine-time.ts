import { readFileSync } from 'node:fs';
import type { Lab } from '../../../src/lab/lab.ts';
import { runningOf } from '../../support/lab.ts';

/**
 * Seconds of processor time that a lab's virtual servers took since they were powered on, of those that are on. It hardly
 * depends on what else runs.
 */
export function processorSeconds(lab: Lab): number {
  const machines = runningOf(lab.name).filter(({ pid }) =>
    readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('qemu-system'),
  );
  const ticks = machines.map(({ pid }) => {
    const [user = 0, system = 0] = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .split(') ')[1]!
      .split(' ')
      .slice(11, 13)
      .map(Number);
    return user + system;
  });
  // Ticks are 10 ms on every Linux there is: proc(5).
  return ticks.reduce((sum, value) => sum + value, 0) / 100;
}
