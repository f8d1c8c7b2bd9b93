import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireProgram } from './netns.ts';

/** A simulated BMC: OpenIPMI's ipmi_sim on 127.0.0.1, its chassis a small script over files. User admin, password admin. */
export interface IpmiSim {
  readonly port: number;
  readonly folder: string;
  /** What the BMC did to the chassis, one line each (`power 1`, `boot pxe`, `reset 1`), without repeats by polling. */
  chassisLog(): Promise<string[]>;
  power(): Promise<'on' | 'off'>;
  /** Ends the BMC and deletes its files. */
  stop(): Promise<void>;
}

const chassisScript = `#!/bin/sh
cd "$(dirname "$0")" || exit 1
shift
op=$1
shift
if [ "$op" = get ]; then
  for p; do
    case $p in
    power) echo "power:$(cat power)" ;;
    boot) echo "boot:$(cat boot)" ;;
    *) exit 1 ;;
    esac
  done
  exit 0
fi
while [ $# -gt 1 ]; do
  echo "$1 $2" >>log
  case $1 in
  power | boot) echo "$2" >"$1" ;;
  esac
  shift 2
done
`;

function lanConfig(folder: string, port: number): string {
  const auths = ['callback', 'user', 'operator', 'admin'].map(
    (role) => `    allowed_auths_${role} none md2 md5 straight`,
  );
  return [
    'name "bmc"',
    'set_working_mc 0x20',
    '  startlan 1',
    `    addr 127.0.0.1 ${port}`,
    '    priv_limit admin',
    ...auths,
    '    guid 4c414230000040008000000000000001',
    '  endlan',
    `  chassis_control "${folder}/chassis 0x20"`,
    '  user 1 true "" "test" user 10 none md2 md5 straight',
    '  user 2 true "admin" "admin" admin 10 none md2 md5 straight',
    '  user 3 true "operator" "operator" operator 10 none md2 md5 straight',
    '',
  ].join('\n');
}

const emulation = `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
`;

/** Starts a BMC; resolves when it answers. */
export async function startIpmiSim(): Promise<IpmiSim> {
  requireProgram('ipmi_sim', 'openipmi');
  requireProgram('ipmitool', 'ipmitool');
  const folder = await mkdtemp(join(tmpdir(), 'rwt-bmc-'));
  const port = await freePort();
  await mkdir(join(folder, 'state'));
  const files = { chassis: chassisScript, 'lan.conf': lanConfig(folder, port), 'sim.emu': emulation };
  for (const [name, text] of Object.entries({ ...files, power: '0\n', boot: 'none\n', log: '' })) {
    await writeFile(join(folder, name), text);
  }
  await chmod(join(folder, 'chassis'), 0o755);
  const args = ['-n', '-c', join(folder, 'lan.conf'), '-f', join(folder, 'sim.emu'), '-s', join(folder, 'state')];
  const child = spawn('ipmi_sim', args, { cwd: folder, stdio: 'ignore' });
  const ended = once(child, 'exit');
  const read = async (name: string): Promise<string> => (await readFile(join(folder, name), 'utf8')).trim();
  const sim: IpmiSim = {
    port,
    folder,
    chassisLog: async () => (await read('log')).split('\n').filter((line) => line !== ''),
    power: async () => ((await read('power')) === '1' ? 'on' : 'off'),
    async stop() {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true });
    },
  };
  await answersPing(port);
  return sim;
}

/** A UDP port of 127.0.0.1 where nobody listens. */
export async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

/** Sends RMCP presence pings (ASF 2.0, 3.2.4.2) until one is answered. */
async function answersPing(port: number): Promise<void> {
  const ping = Uint8Array.from([0x06, 0x00, 0xff, 0x06, 0x00, 0x00, 0x11, 0xbe, 0x80, 0x00, 0x00, 0x00]);
  const socket = createSocket('udp4');
  // Nobody listens yet: the next ping finds out.
  socket.on('error', () => undefined);
  const timer = setInterval(() => {
    socket.send(ping, port, '127.0.0.1');
  }, 50);
  try {
    await once(socket, 'message', { signal: AbortSignal.timeout(10_000) });
  } catch (cause) {
    throw new Error(`ipmi_sim did not answer on port ${port}`, { cause });
  } finally {
    clearInterval(timer);
    socket.close();
  }
}
