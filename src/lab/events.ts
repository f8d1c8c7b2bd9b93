import type { BootDevice } from './boot-order.ts';

/** What happens in a lab, in order; the live screen and tests read it. */
export type LabEvent = { readonly at: string } & LabEventBody;

export type LabEventBody =
  | { readonly kind: 'phase'; readonly text: string }
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly text: string }
  | { readonly kind: 'server'; readonly text: 'started' | 'healthy' | 'exited'; readonly detail?: string }
  | { readonly kind: 'power'; readonly node: number; readonly power: 'on' | 'off'; readonly cause: string }
  | { readonly kind: 'reset'; readonly node: number; readonly cause: 'bmc' | 'guest' }
  | { readonly kind: 'boot-device'; readonly node: number; readonly device: BootDevice | 'none' }
  | { readonly kind: 'bmc'; readonly node: number; readonly command: string }
  | { readonly kind: 'trouble'; readonly node: number; readonly text: string };

export interface LabEvents {
  readonly emit: (event: LabEventBody) => void;
  /** Calls the listener with all that happened and then with all that happens; gives the end of it. */
  readonly follow: (listener: (event: LabEvent) => void) => () => void;
  readonly all: () => readonly LabEvent[];
}

/** The newest so many are kept: a lab may run for days. */
const limit = 5_000;

export function createLabEvents(now: () => Date): LabEvents {
  const kept: LabEvent[] = [];
  const listeners = new Set<(event: LabEvent) => void>();
  return {
    emit: (body) => {
      const event = { at: now().toISOString(), ...body };
      kept.push(event);
      if (kept.length > limit) kept.shift();
      for (const listener of listeners) listener(event);
    },
    follow: (listener) => {
      for (const event of kept) listener(event);
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    all: () => [...kept],
  };
}
