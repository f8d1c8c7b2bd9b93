import { z } from 'zod';
import type { DeployedSystem } from '../model/deployment.ts';

/** What an installed system tells when it calls home: our own script's form, cloud-init's `phone_home`, or JSON. */

/** One line of printable text. */
const line = z
  .string()
  .max(1000)
  .transform((text) =>
    text
      .replaceAll(/[\p{Cc}\s"]+/gu, ' ')
      .trim()
      .slice(0, 200),
  )
  .transform((text) => (text === '' ? undefined : text));

const addressList = z
  .union([z.string().max(4000), z.array(z.string().max(100)).max(256)])
  .transform((given) => (typeof given === 'string' ? given.split(/[\s,]+/) : given))
  .transform((addresses) => addresses.filter((text) => /^[0-9a-f.:]{2,45}$/i.test(text)).slice(0, 64));

const systemSchema = z.object({
  hostname: line.optional(),
  kernel: line.optional(),
  os: line.optional(),
  machineId: line.optional(),
  addresses: addressList.default([]),
});

/** Reads the body of a call; undefined where it is neither JSON nor a form. `now`: ISO 8601. */
export function parseSystem(body: string, now: string): DeployedSystem | undefined {
  const parsed = systemSchema.safeParse(fieldsOf(body));
  if (!parsed.success) return undefined;
  const { addresses, hostname = 'unknown', ...more } = parsed.data;
  const told = Object.entries(more).filter(([, value]) => value !== undefined);
  return { hostname, addresses, ...Object.fromEntries(told), at: now };
}

function fieldsOf(body: string): unknown {
  if (!body.trimStart().startsWith('{')) return Object.fromEntries(new URLSearchParams(body.trim()));
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
