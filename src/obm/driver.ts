import type { z } from 'zod';

/** What a node's power controller can be asked, and whether asking twice does no more than asking once. */
export const obmActions = {
  powerOn: { title: 'power on', idempotent: true },
  powerOff: { title: 'power off', idempotent: true },
  powerCycle: { title: 'power off and on again', idempotent: false },
  reset: { title: 'hard reset', idempotent: false },
  soft: { title: 'shut down by ACPI', idempotent: true },
  powerStatus: { title: 'ask for the power state', idempotent: true },
  setBootPxe: { title: 'boot from the network once', idempotent: true },
  setBootDisk: { title: 'boot from disk once', idempotent: true },
  identifyOn: { title: 'switch the identify light on', idempotent: true },
  identifyOff: { title: 'switch the identify light off', idempotent: true },
  mcResetCold: { title: 'restart the BMC', idempotent: false },
  clearSEL: { title: 'clear the system event log', idempotent: true },
} as const;

export type ObmAction = keyof typeof obmActions;

/**
 * Why a command failed: `unreachable` nobody answers at the address, `auth` the user or password is wrong, `refused` the
 * controller says no, `timeout` it did not answer in time, `no-obm` the node has no controller (or not this kind).
 */
export type ObmFailure = 'no-obm' | 'unreachable' | 'refused' | 'auth' | 'timeout';

export type ObmResult =
  | { readonly ok: true; readonly output?: string; readonly power?: 'on' | 'off' }
  /** `message` is for the operator: what happened, and what to look at. */
  | { readonly ok: false; readonly reason: ObmFailure; readonly message: string };

/** One kind of controller, as the API and the store know it: RackHD's name and its settings. */
export interface ObmService {
  readonly name: string;
  readonly title: string;
  readonly config: z.ZodType<Readonly<Record<string, unknown>>>;
  /** Keys of `config` that are sealed in the store and never shown. */
  readonly secrets: readonly string[];
}

/** The code behind a service. */
export interface ObmDriver<Config> {
  readonly service: ObmService & { readonly config: z.ZodType<Config> };
  /** Where its commands go; those to one place are sent one after another. Undefined: nowhere, and never waits. */
  host(config: Config): string | undefined;
  /** Sends one command. `host` is the address after look-up. Aborting the signal ends it at once. */
  act(config: Config & { readonly host: string }, action: ObmAction, signal: AbortSignal): Promise<ObmResult>;
}
