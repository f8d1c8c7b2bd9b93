import { z } from 'zod';
import type { ObmDriver } from './driver.ts';

export const noopService = {
  name: 'noop-obm-service',
  title: 'Does nothing and says that it worked: for nodes whose power is switched by hand',
  config: z.looseObject({}),
  secrets: [],
};

/** The driver for `noop-obm-service`. Asked for the power state, it says that it does not know. */
export function createNoopDriver(): ObmDriver<Readonly<Record<string, unknown>>> {
  return {
    service: noopService,
    host: () => undefined,
    act: () => Promise.resolve({ ok: true }),
  };
}
