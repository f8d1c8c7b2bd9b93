import type { z } from 'zod';

/** What a node's power controller can be asked. */
export const obmActions = {
  powerOn: 'power on',
  powerOff: 'power off',
  powerCycle: 'power off and on again',
  reset: 'hard reset',
  soft: 'shut down by ACPI',
  powerStatus: 'ask for the power state',
  setBootPxe: 'boot from the network once',
  setBootDisk: 'boot from disk once',
  identifyOn: 'switch the identify light on',
  identifyOff: 'switch the identify light off',
  mcResetCold: 'restart the BMC',
  clearSEL: 'clear the system event log',
} as const;

export type ObmAction = keyof typeof obmActions;

/**
 * Why a command failed: `unreachable` nobody answers at the address, `auth` the user or password is wrong, `refused` the
 * controller says no, `timeout` it did not answer in time, `no-obm` the node has no controller (or not this kind).
 */
export type ObmFailure = 'no-obm' | 'unreachable' | 'refused' | 'auth' | 'timeout';

export type ObmResult =
  /** `power`: only of `powerStatus`, and only where the controller knows. */
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
