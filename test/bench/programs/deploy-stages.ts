/** Follows a deploy from the power-on of its node to a login, from outside: by its serial line and its ports. */
import { readFileSync } from 'node:fs';
import type { Lab } from '../../../src/lab/lab.ts';
import { sizeOf } from '../../../src/lab/serial.ts';
import { logIn, type SshTarget } from '../../../src/lab/ssh.ts';
import { waitFor } from '../../../src/lab/wait.ts';
import { processorSeconds } from './machine-time.ts';

/** How far the node was when. */
export interface Stage {
  readonly name: string;
  /** Since the power-on. */
  readonly seconds: number;
  /** Of processor time that the machine took until then. */
  readonly cpuSeconds: number;
}

/** Lines of the console, in this order. The discovery OS starts its kernel quietly, so that `Linux` is the system's. */
const lines: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['kernel', /RACKWRIGHT init /],
  ['agent', /RACKWRIGHT agent start /],
  ['write begins', /RACKWRIGHT work \S*write-image/],
  ['written', /RACKWRIGHT done \S*write-image/],
  ['finished', /RACKWRIGHT done \S*finish-disk/],
  ['restart', /RACKWRIGHT reboot/],
  ['system', /Linux version /],
];

/** Milliseconds: many times what a deploy takes. */
const deadlineMs = 900_000;
const stepMs = 100;

/**
 * Begins the deploy of node 1, which is off, and follows it to the first login; resolves with the stages, `login` the last,
 * and with the moment of the power-on (milliseconds since 1970).
 */
export async function followDeploy(
  lab: Lab,
  target: SshTarget,
  begin: () => Promise<void>,
): Promise<{ readonly poweredOn: number; readonly stages: readonly Stage[] }> {
  const node = lab.node(1);
  const { serialLog } = node.machine.files;
  const [from, bootBefore] = [sizeOf(serialLog), node.bootedAt()];
  await begin();
  const poweredOn = await waitFor(
    'power-on',
    () => (node.bootedAt() === bootBefore ? undefined : node.bootedAt()?.getTime()),
    { deadlineMs, stepMs: 20 },
  );
  const stages: Stage[] = [];
  const reached = (name: string): void => {
    stages.push({ name, seconds: (Date.now() - poweredOn) / 1000, cpuSeconds: processorSeconds(lab) });
  };
  let at = from;
  for (const [name, pattern] of lines) {
    at = await waitFor(`'${name}' of ${lab.name}`, () => endOf(pattern, serialLog, at), { deadlineMs, stepMs });
    reached(name);
  }
  await waitFor('sshd', async () => await greets(lab, target.address), { deadlineMs, stepMs });
  reached('sshd');
  await logIn(target, ['true'], { enter: lab.status().enter, deadlineMs });
  reached('login');
  return { poweredOn, stages };
}

/** Where in the file the first match behind `from` ends. */
function endOf(pattern: RegExp, file: string, from: number): number | undefined {
  const found = pattern.exec(readFileSync(file, 'latin1').slice(from));
  return found === null ? undefined : from + found.index + found[0].length;
}

/**
 * Whether something answers on port 22. ssh itself would wait for seconds where a packet was lost because the machine was
 * between two systems.
 */
async function greets(lab: Lab, address: string): Promise<true | undefined> {
  const { code } = await lab.exec(['timeout', '1', 'bash', '-c', `read -r <'/dev/tcp/${address}/22'`]);
  return code === 0 ? true : undefined;
}
