import { randomInt } from 'node:crypto';
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ipv4 } from '../../net/address.ts';
import type { Mac } from '../../net/mac.ts';
import { runAgent, type CommandResult, type Identity } from './agent.ts';
import { readCpioFile } from './cpio.ts';
import type { DhcpReply, DhcpStage } from './dhcp-client.ts';
import { fetchFrom } from './http-client.ts';
import { runScript, type IpxeEnd } from './ipxe.ts';
import type { Relay } from './relay.ts';
import { fetchByTftp } from './tftp-client.ts';

/** Where a simulated node goes wrong, each at one step of its boot. */
export interface SimFaults {
  /** Does nothing more after this step. */
  readonly silentAfter?: 'power on' | 'loader' | 'script' | 'kernel';
  /** Takes the offer of a server that is not there. */
  readonly choosesServer?: Ipv4;
  /** The agent says it has these MACs instead of its own. */
  readonly claimsMacs?: readonly Mac[];
}

export interface SimNodeOptions {
  readonly mac: Mac;
  readonly uuid: string;
  /** Option 93: 0 BIOS, 7 UEFI x64. */
  readonly arch: number;
  readonly relay: Relay;
  readonly tftpPort: number;
  /** Runs an agent's command. */
  run(command: string, environment: Readonly<Record<string, string>>): Promise<CommandResult> | CommandResult;
  /** Told of each step: `power on`, `address`, `loader`, `script`, `kernel`, `agent`, `done <label>`, `disk`, ... */
  onStep?(step: string): void;
  readonly faults?: SimFaults;
  /** Waits of boot loader and agent are divided by this. Default 50. */
  readonly speed?: number;
}

/** A machine as a program: it boots over the network as a real one does, over real sockets, in milliseconds. */
export interface SimNode {
  readonly mac: Mac;
  /** Powers on; boots from the network, or (once) from its disk. Nothing happens if it is on. */
  powerOn(): void;
  /** At once, wherever it is. */
  powerOff(): void;
  reset(): void;
  isOn(): boolean;
  /** For the next boot only, as the BMC's override does. */
  setBootDevice(device: 'pxe' | 'disk'): void;
  /** Times that power was applied or the machine was reset. */
  boots(): number;
}

/** SeaBIOS: "No bootable device. Retrying in 60 seconds." */
const retryMs = 60_000;

export function createSimNode(options: SimNodeOptions): SimNode {
  let running: AbortController | undefined;
  let bootDevice: 'pxe' | 'disk' = 'pxe';
  let boots = 0;
  const step = (name: string): void => options.onStep?.(name);

  /** As firmware without a bootable device does. */
  const retry = (signal: AbortSignal): void => {
    const timer = setTimeout(start, retryMs / (options.speed ?? 50));
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
    });
  };
  const start = (): void => {
    const controller = new AbortController();
    running = controller;
    boots += 1;
    const device = bootDevice;
    bootDevice = 'pxe';
    step('power on');
    void bootOnce(options, device, controller.signal).then((end) => {
      if (controller.signal.aborted) return;
      step(end);
      if (end === 'reboot') start();
      else if (end === 'power-off') stop();
      else if (end.startsWith('no ') || end.startsWith('error')) retry(controller.signal);
    });
  };
  const stop = (): void => {
    running?.abort();
    running = undefined;
  };

  return {
    mac: options.mac,
    isOn: () => running !== undefined,
    boots: () => boots,
    setBootDevice(device) {
      bootDevice = device;
    },
    powerOn() {
      if (!running) start();
    },
    powerOff: stop,
    reset() {
      if (!running) return;
      stop();
      start();
    },
  };
}

/** One boot to its end; what it answers is the node's last step. Never rejects. */
async function bootOnce(options: SimNodeOptions, device: 'pxe' | 'disk', signal: AbortSignal): Promise<string> {
  const http = new Agent({ keepAlive: true, maxSockets: 2 });
  signal.addEventListener('abort', () => {
    http.destroy();
  });
  try {
    return device === 'disk' ? 'disk' : await networkBoot(options, http, signal);
  } catch (error) {
    return `error: ${error instanceof Error ? error.message : String(error)}`;
  }
}

async function networkBoot(options: SimNodeOptions, http: Agent, signal: AbortSignal): Promise<string> {
  const { faults = {}, tftpPort } = options;
  const step = (name: string): void => {
    if (!signal.aborted) options.onStep?.(name);
  };
  if (faults.silentAfter === 'power on') return 'silent';
  const firmware = await getLease(options, 'firmware', signal);
  if (!firmware) return 'no address';
  step('address');
  if (firmware.file === undefined) return 'disk';
  const from = firmware.address;
  await fetchByTftp(firmware.file, { server: { address: firmware.nextServer, port: tftpPort }, from });
  step('loader');
  if (faults.silentAfter === 'loader') return 'silent';
  const loader = await getLease(options, 'ipxe', signal);
  if (!loader) return 'no address';
  if (loader.file === undefined) return 'disk';
  const script = await fetchFrom({ url: loader.file, from, signal, agent: http });
  if (script.status !== 200) return `no script: HTTP ${script.status}`;
  step('script');
  if (faults.silentAfter === 'script') return 'silent';
  const end = await runScript(script.body.toString(), {
    async fetch(url) {
      // A refused or broken connection is a failed step to the script, which says what to do then.
      const answer = await fetchFrom({ url, from, signal, agent: http }).catch(() => undefined);
      return answer && answer.status < 300 ? answer.body : undefined;
    },
    sleep: (seconds) => sleep((seconds * 1000) / (options.speed ?? 50), undefined, { signal }),
  });
  if (end.kind !== 'boot') return end.kind === 'exit' ? 'disk' : `error: ${end.message}`;
  step('kernel');
  return faults.silentAfter === 'kernel' ? 'silent' : runSystem(options, end, { from, http, signal });
}

/** The discovery system: an address of its own asking, then the agent. */
async function runSystem(
  options: SimNodeOptions,
  { initrds }: IpxeEnd & { kind: 'boot' },
  { from, http, signal }: { from: Ipv4; http: Agent; signal: AbortSignal },
): Promise<string> {
  const lease = await getLease(options, 'os', signal);
  if (!lease) return 'no address';
  const text = initrds
    .map(({ bytes }) => readCpioFile(bytes, 'rackwright/identity.json'))
    .find((file) => file !== undefined);
  if (text === undefined) return 'no identity';
  return runAgent({
    identity: JSON.parse(text) as Identity,
    address: from,
    macs: options.faults?.claimsMacs ?? [options.mac],
    uuid: options.uuid,
    http,
    signal,
    run: (command, environment) => options.run(command, environment),
    onStep: (name) => options.onStep?.(name),
    retryMs: 5000 / (options.speed ?? 50),
  });
}

/** DISCOVER to ACK; undefined where no server gave an address. */
async function getLease(
  options: SimNodeOptions,
  stage: DhcpStage,
  signal: AbortSignal,
): Promise<DhcpReply | undefined> {
  const { mac, uuid, arch, relay, faults } = options;
  const client = { mac, uuid, arch, stage, xid: randomInt(2 ** 32) };
  for (let attempt = 0; attempt < 3 && !signal.aborted; attempt += 1) {
    const offer = await relay.ask({ ...client, type: 'discover' }, 10_000);
    if (offer?.type !== 'offer') continue;
    const server = faults?.choosesServer ?? offer.server;
    const request = { ...client, type: 'request', requested: offer.address, server } as const;
    const answer = await relay.ask(request, faults?.choosesServer === undefined ? 10_000 : 100);
    if (answer?.type === 'ack') return answer;
  }
  return undefined;
}
