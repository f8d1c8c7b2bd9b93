import type { Fact, NewFact } from '../../src/model/fact.ts';

/** A machine's boots as facts, step by step, in the words and data that the servers record. */

export const mac = '52:54:00:77:01:00';
export const uuid = '4c414230-0000-4000-8000-000000000001';
export const address = '172.31.128.10';
export const nodeId = '65f1a2b3c4d5e6f708192a3b';
const server = '172.31.128.1';
const runId = '65f1a2b3c4d5e6f708192a40';

export const start = Date.parse('2026-03-01T12:00:00.000Z');

/** Stored facts from new ones: ids in the order given, times in seconds after `start`. */
export function stored(steps: readonly (readonly [seconds: number, fact: NewFact])[]): Fact[] {
  return steps.map(([seconds, fact], index) => {
    const at = new Date(start + seconds * 1000).toISOString();
    const id = index.toString(16).padStart(24, '0');
    return { ...fact, id, at, data: fact.data ?? {}, version: 1, schemaVersion: 1, createdAt: at, updatedAt: at };
  });
}

type Stage = 'firmware' | 'ipxe' | 'os';

export const step = {
  power: (action = 'powerOn', ok = true): NewFact => ({
    kind: ok ? 'bmc.command' : 'bmc.failed',
    how: ok ? 'bmc' : 'self',
    text: ok ? `${action}: accepted` : `${action}: the BMC does not answer IPMI over LAN`,
    nodeId,
    data: { action, service: 'ipmi-obm-service' },
  }),
  discover: (stage: Stage, of = mac): NewFact => ({
    kind: 'dhcp.discover',
    how: 'packet',
    text: `${stage} asked for an address`,
    mac: of,
    ...(stage !== 'os' && { uuid }),
    data: { message: 'DISCOVER', stage },
  }),
  offer: (stage: Stage, file?: string, noFile?: string): NewFact => ({
    kind: 'dhcp.offer',
    how: 'self',
    text: `we offered ${address} and ${file ?? 'no boot file'}`,
    mac,
    address,
    data: { message: 'OFFER', stage, address, ...(file && { file }), ...(noFile && { noFile }), server },
  }),
  request: (stage: Stage, data: Record<string, unknown> = {}): NewFact => ({
    kind: 'dhcp.request',
    how: 'packet',
    text: `${stage} asked to have ${address}`,
    mac,
    address,
    data: { message: 'REQUEST', stage, address, ...data },
  }),
  ack: (stage: Stage, file?: string, of = mac): NewFact => ({
    kind: 'dhcp.ack',
    how: 'self',
    text: `we gave ${address} and ${file ?? 'no boot file'}`,
    mac: of,
    address,
    data: { message: 'ACK', stage, address, ...(file && { file }), server },
  }),
  ignored: (reason: string): NewFact => ({
    kind: 'dhcp.ignored',
    how: 'self',
    text: `we did not answer: ${reason}`,
    mac,
    data: { reason },
  }),
  otherServer: (): NewFact => ({
    kind: 'dhcp.other-server',
    how: 'packet',
    text: 'took another DHCP server, 172.31.128.5: it took the offer of another server',
    mac,
    data: { server: '172.31.128.5' },
  }),
  rogue: (): NewFact => ({
    kind: 'dhcp.rogue',
    how: 'packet',
    text: 'another DHCP server answers: 172.31.128.5',
    address: '172.31.128.5',
    data: { server: '172.31.128.5' },
  }),
  tftp: (kind: 'read' | 'done' | 'failed' | 'refused', file = 'undionly.kpxe'): NewFact => ({
    kind: `tftp.${kind}`,
    how: 'packet',
    text: `TFTP ${kind} ${file}`,
    address,
    data: { file },
  }),
  script: (target = 'discovery', reason = 'the node is new'): NewFact => ({
    kind: 'boot.script',
    how: 'packet',
    text: `script: boot ${target}, ${reason}`,
    mac,
    address,
    uuid,
    nodeId,
    data: { target, reason, bootId: 'b1' },
  }),
  file: (path: string): NewFact => ({
    kind: 'boot.file',
    how: 'packet',
    text: `${path} was fetched over HTTP`,
    address,
    data: { path, status: 200, bytes: 1000 },
  }),
  fileFailed: (path: string, status: number): NewFact => ({
    kind: 'boot.file-failed',
    how: 'packet',
    text: status === 404 ? `${path} is not there (404)` : `${path} broke off`,
    address,
    data: { path, status },
  }),
  loaderReport: (at: string): NewFact => ({
    kind: 'boot.failed',
    how: 'packet',
    text: `the boot loader failed at the step '${at}', iPXE error 2d0c613b`,
    mac,
    address,
    nodeId,
    data: { step: at, error: '2d0c613b', bootId: 'b1' },
  }),
  identity: (): NewFact => ({ kind: 'boot.identity', how: 'packet', text: 'identity delivered', mac, address, nodeId }),
  identityRefused: (): NewFact => ({
    kind: 'boot.identity-refused',
    how: 'packet',
    text: 'the identity of boot b1 was refused: not the address of this boot',
    mac,
    address,
    nodeId,
  }),
  session: (): NewFact => ({
    kind: 'agent.session',
    how: 'token',
    text: 'the agent has a session',
    mac,
    address,
    nodeId,
  }),
  agentRefused: (): NewFact => ({
    kind: 'agent.refused',
    how: 'packet',
    text: 'an agent was refused: the secret is wrong',
    mac,
    address,
    nodeId,
  }),
  work: (): NewFact => ({ kind: 'agent.work', how: 'token', text: "the agent took 'catalog'", mac, nodeId, runId }),
  home: (): NewFact => ({
    kind: 'deploy.home',
    how: 'token',
    text: 'the installed system called home: web1, Linux 6.1',
    nodeId,
    runId,
  }),
  homeAwaited: (): NewFact => ({
    kind: 'run.task',
    how: 'self',
    text: "task 'home' began",
    nodeId,
    runId,
    data: { label: 'home', attempt: 1, state: 'began', callback: 'phone-home' },
  }),
  byHand: (what: string): NewFact => ({
    kind: 'run.by-hand',
    how: 'self',
    text: `the node has no power controller: ${what}`,
    nodeId,
    runId,
    data: { byHand: what },
  }),
  runStarted: (): NewFact => ({ kind: 'run.started', how: 'self', text: "workflow 'Test' began", nodeId, runId }),
  runFinished: (state: string): NewFact => ({
    kind: 'run.finished',
    how: 'self',
    text: `workflow 'Discovery' ${state}`,
    nodeId,
    runId,
    data: { state },
  }),
};

type Steps = (readonly [number, NewFact])[];

const scriptUrl = `http://${server}:9080/boot/script?mac=${mac}`;

/** A BIOS boot that goes well, up to a hop; each hop includes those before. */
export const healthy: Readonly<Record<string, Steps>> = (() => {
  const power: Steps = [[0, step.power()]];
  const asked: Steps = [...power, [20, step.discover('firmware')]];
  const answered: Steps = [
    ...asked,
    [20.1, step.offer('firmware', 'undionly.kpxe')],
    [21, step.request('firmware')],
    [21.1, step.ack('firmware', 'undionly.kpxe')],
  ];
  const loader: Steps = [...answered, [21.2, step.tftp('read')], [21.5, step.tftp('done')]];
  const ipxe: Steps = [
    ...loader,
    [24, step.discover('ipxe')],
    [24.1, step.offer('ipxe', scriptUrl)],
    [25, step.request('ipxe')],
    [25.1, step.ack('ipxe', scriptUrl)],
  ];
  const script: Steps = [...ipxe, [25.3, step.script()]];
  const kernel: Steps = [...script, [25.8, step.file('microkernel/vmlinuz')]];
  const identity: Steps = [...kernel, [27, step.file('microkernel/initrd.img')], [27.1, step.identity()]];
  const agent: Steps = [
    ...identity,
    [38, step.discover('os')],
    [38.1, step.offer('os')],
    [38.2, step.request('os')],
    [38.3, step.ack('os')],
    [40, step.session()],
    [40.1, step.work()],
  ];
  const done: Steps = [...agent, [50, step.runFinished('succeeded')]];
  return { power, asked, answered, loader, ipxe, script, kernel, identity, agent, done };
})();
