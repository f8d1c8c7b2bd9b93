import { z } from 'zod';
import { isIpv4 } from '../net/address.ts';
import { parseMac } from '../net/mac.ts';
import { obmActions, type ObmAction, type ObmDriver, type ObmResult } from './driver.ts';
import { readIpmiError } from './ipmi-errors.ts';
import type { RunCommand } from './run-command.ts';

const hostName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

const configSchema = z.looseObject({
  host: z
    .string()
    .refine(
      (text) => isIpv4(text) || parseMac(text) !== undefined || hostName.test(text),
      'expected an address, a name or a MAC',
    ),
  user: z.string().min(1).max(16),
  /** IPMI 2.0 keeps 20 bytes (22.30). */
  password: z.string().refine((text) => Buffer.byteLength(text) <= 20, 'expected at most 20 bytes'),
  port: z.number().int().min(1).max(65535).optional(),
  /** Of IPMI 2.0, table 22-20. Absent: 17 is tried, then 3. */
  cipherSuite: z.number().int().min(1).max(17).optional(),
  /** Boot devices are set for UEFI firmware. */
  efi: z.boolean().optional(),
});

export type IpmiConfig = z.infer<typeof configSchema>;

export const ipmiService = {
  name: 'ipmi-obm-service',
  title: 'IPMI 2.0 over LAN',
  config: configSchema,
  secrets: ['password'],
};

/** What each action is to ipmitool. */
const commands: Readonly<Record<ObmAction, readonly string[]>> = {
  powerOn: ['chassis', 'power', 'on'],
  powerOff: ['chassis', 'power', 'off'],
  powerCycle: ['chassis', 'power', 'cycle'],
  reset: ['chassis', 'power', 'reset'],
  soft: ['chassis', 'power', 'soft'],
  powerStatus: ['chassis', 'power', 'status'],
  setBootPxe: ['chassis', 'bootdev', 'pxe'],
  setBootDisk: ['chassis', 'bootdev', 'disk'],
  identifyOn: ['chassis', 'identify', 'force'],
  identifyOff: ['chassis', 'identify', '0'],
  mcResetCold: ['mc', 'reset', 'cold'],
  clearSEL: ['sel', 'clear'],
};

/** HMAC-SHA256 first; 3 (SHA1) is what older BMCs have. Never 0, which asks for no password. */
const probedSuites = [17, 3];
/** A try is 1 s, then 2, then 3 (-N 1 -R 2), twice before a session stands: a dead BMC is told after some 6 s. */
const patience = ['-N', '1', '-R', '2'];
const callMs = 20_000;
const installHint = 'ipmitool is not installed on the server: run apt-get install ipmitool';

/** The driver for `ipmi-obm-service`: ipmitool as a child. Remembers in memory which cipher suite each BMC took. */
export function createIpmiDriver(run: RunCommand): ObmDriver<IpmiConfig> {
  const knownSuites = new Map<string, number>();

  const call = async (config: IpmiConfig, suite: number, action: ObmAction, signal: AbortSignal) => {
    const result = await run({
      file: 'ipmitool',
      args: ipmitoolArgs(config, suite, action),
      env: { IPMI_PASSWORD: config.password },
      timeoutMs: callMs,
      signal,
    });
    if (result.kind === 'missing') return { ok: false, reason: 'refused', message: installHint } as const;
    if (result.kind === 'killed') {
      const what = result.why === 'aborted' ? 'the command was given up' : 'no answer before the deadline';
      return { ok: false, reason: 'timeout', message: `${at(config)}: ${what}` } as const;
    }
    if (result.code === 0) return readOutput(action, result.stdout);
    const error = readIpmiError(result.stderr);
    return { ok: false, reason: error.reason, message: `${at(config)}: ${error.message}` } as const;
  };

  return {
    service: ipmiService,
    host: (config) => config.host,
    async act(config, action, signal) {
      const place = at(config);
      const known = knownSuites.get(place);
      const suites =
        config.cipherSuite === undefined
          ? [...new Set([...(known === undefined ? [] : [known]), ...probedSuites])]
          : [config.cipherSuite];
      let message = '';
      for (const suite of suites) {
        const result = await call(config, suite, action, signal);
        if (result.ok || result.reason !== 'cipher') {
          // Any other answer came after the BMC took the suite, but for silence.
          if (result.ok || result.reason === 'auth') knownSuites.set(place, suite);
          return result as ObmResult;
        }
        message = result.message;
      }
      knownSuites.delete(place);
      return { ok: false, reason: 'refused', message: `${message} (tried ${suites.join(', ')})` };
    },
  };
}

function at(config: IpmiConfig): string {
  return config.port === undefined ? `BMC ${config.host}` : `BMC ${config.host} port ${config.port}`;
}

function ipmitoolArgs(config: IpmiConfig, suite: number, action: ObmAction): string[] {
  return [
    // -v: only then does it say why a session could not be made.
    ...['-v', '-I', 'lanplus', '-H', config.host, '-p', String(config.port ?? 623), '-U', config.user, '-E'],
    ...['-C', String(suite), ...patience],
    ...commands[action],
    ...(config.efi === true && action.startsWith('setBoot') ? ['options=efiboot'] : []),
  ];
}

function readOutput(action: ObmAction, stdout: string): ObmResult {
  const output = stdout.trim();
  if (action !== 'powerStatus') return { ok: true, output };
  const power = /Chassis Power is (on|off)/i.exec(output)?.[1]?.toLowerCase();
  if (power === 'on' || power === 'off') return { ok: true, output, power };
  return {
    ok: false,
    reason: 'refused',
    message: `${obmActions[action]}: the BMC answered '${output.slice(0, 100)}'`,
  };
}
