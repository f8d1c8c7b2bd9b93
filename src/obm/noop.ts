import { z } from 'zod';
import type { ObmDriver } from './driver.ts';

export const noopService = {
  name: 'noop-obm-service',
  title: 'Does nothing and says that it worked: for nodes whose power is switched by hand',
  config: z.looseObject({}),
  secrets: [],
};

/** The driver for `noop-obm-service`. It believes that its node is on. */
export function createNoopDriver(): ObmDriver<Readonly<Record<string, unknown>>> {
  return {
    service: noopService,
    host: () => undefined,
    act: (_config, action) => Promise.resolve(action === 'powerStatus' ? { ok: true, power: 'on' } : { ok: true }),
  };
}
