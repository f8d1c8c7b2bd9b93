import { z } from 'zod';
import type { DiskHints, DiskType } from '../model/deployment.ts';
import { publicKeyProblem } from './ssh-key.ts';
import { userDataProblem } from './user-data.ts';

/** What may be asked of a deployment. Each message says what was expected; the field's name comes from its place. */

/** A text for which `problem` finds nothing to say. */
const textWithout = (problem: (text: string) => string | undefined) =>
  z.string().superRefine((text, context) => {
    const message = problem(text);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;

/** One label of RFC 1123 section 2.1: 1 to 63 letters, digits and hyphens. */
export const hostnameSchema = textWithout((text) => {
  if (label.test(text)) return undefined;
  if (text.includes('.')) return 'must be a name without dots: give what comes after the first dot as domain';
  return 'must be 1 to 63 letters, digits and hyphens, and neither begin nor end with a hyphen';
});

/** The host name of a system whose deployer names none: its node's name, most of which are a MAC. */
export function hostnameFor(nodeName: string): string {
  return nodeName
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '');
}

export const domainSchema = textWithout((text) => {
  const isDomain = text.length <= 189 && text.split('.').every((part) => label.test(part));
  return isDomain ? undefined : 'must be a domain name such as example.com: labels of letters, digits and hyphens';
});

/** As `useradd` of shadow takes it: 32 characters at most. */
const userNameSchema = z
  .string()
  .regex(
    /^[a-z_][a-z0-9_-]{0,31}$/,
    'must be a Linux user name: a lower-case letter or _ first, then lower-case letters, digits, _ and -, 32 at most',
  );

const passwordHashSchema = z
  .string()
  .max(512)
  .regex(
    /^\$(y|gy|7|2[aby]|6|5)\$[./A-Za-z0-9$,=_-]+$/,
    'must be a hash of crypt(3), as `mkpasswd` prints it ($6$... or $y$...), not the password',
  );

const deployUserSchema = z
  .strictObject({
    name: userNameSchema,
    authorizedKeys: z.array(textWithout(publicKeyProblem).max(16_384)).max(64).default([]),
    passwordHash: passwordHashSchema.optional(),
  })
  .refine(({ authorizedKeys, passwordHash }) => authorizedKeys.length > 0 || passwordHash !== undefined, {
    message: 'must have a key in authorizedKeys, or a passwordHash: nobody could log in as this user otherwise',
  });

const units: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  pb: 1e15,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  pib: 2 ** 50,
};

/** Bytes of `480 GB`, `1.5TiB` or a number of bytes; undefined where it is neither. */
export function parseBytes(size: string | number): number | undefined {
  const [, number = '', unit = 'b'] = /^\s*(\d+(?:\.\d+)?)\s*([kmgtp]?i?b)?\s*$/i.exec(String(size)) ?? [];
  const bytes = Math.round(Number(number) * (units[unit.toLowerCase()] ?? Number.NaN));
  return number !== '' && Number.isSafeInteger(bytes) ? bytes : undefined;
}

const sizeExpected = 'must be a number of bytes, or a size such as "480 GB" or "1.5 TiB"';

const bytesSchema = z.union([z.number(), z.string().max(32)]).transform((size, context) => {
  const bytes = parseBytes(size);
  if (bytes !== undefined) return bytes;
  context.addIssue({ code: 'custom', message: sizeExpected });
  return z.NEVER;
});

/** A size with a unit is what is printed on the disk, which holds a little more or less. */
const nominal = 0.02;

const hint = z.string().trim().min(1).max(200);
const diskTypes = ['ssd', 'hdd', 'nvme'] as const satisfies readonly DiskType[];

export const diskHintsSchema = z
  .strictObject({
    serial: hint.optional(),
    wwn: hint.optional(),
    minSize: bytesSchema.optional(),
    maxSize: bytesSchema.optional(),
    /** What the sizes above become: hints that were checked once can be checked again. */
    minBytes: z.int().min(0).optional(),
    maxBytes: z.int().min(0).optional(),
    size: z.union([z.number(), z.string().max(32)]).optional(),
    type: z.enum(diskTypes, 'must be ssd, hdd or nvme').optional(),
    path: hint.optional(),
    name: hint
      .transform((name) => name.replace(/^\/dev\//, ''))
      .pipe(z.string().regex(/^[a-z][a-z0-9]*$/, 'must be the name of a whole disk, such as sda or nvme0n1'))
      .optional(),
  })
  .superRefine(({ size, minSize, maxSize }, context) => {
    const say = (field: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [field], message });
    };
    if (size !== undefined && parseBytes(size) === undefined) say('size', sizeExpected);
    if (size !== undefined && (minSize ?? maxSize) !== undefined) {
      say('size', 'must stand alone: give size, or minSize and maxSize');
    }
    if (minSize !== undefined && maxSize !== undefined && minSize > maxSize)
      say('minSize', 'must not be above maxSize');
  })
  .transform(({ size, minSize, maxSize, ...hints }): DiskHints => {
    const bytes = size === undefined ? undefined : parseBytes(size);
    const margin = typeof size === 'string' && /[a-z]/i.test(size) ? nominal : 0;
    const least = bytes === undefined ? (minSize ?? hints.minBytes) : Math.floor(bytes * (1 - margin));
    const most = bytes === undefined ? (maxSize ?? hints.maxBytes) : Math.ceil(bytes * (1 + margin));
    const given = Object.entries({ ...hints, minBytes: least, maxBytes: most }).filter(
      ([, value]) => value !== undefined,
    );
    return Object.fromEntries(given);
  });

/** A request to deploy, for our API and for the options of a graph alike. */
export const deployRequestSchema = z
  .strictObject({
    /** Name or id. */
    image: z.string().min(1).max(64),
    hostname: hostnameSchema,
    domain: domainSchema.optional(),
    users: z.array(deployUserSchema).max(32).default([]),
    userData: textWithout(userDataProblem).optional(),
    disk: diskHintsSchema.optional(),
    seed: z.enum(['disk', 'network'], 'must be disk (the seed is written to the disk) or network').default('disk'),
  })
  .superRefine(({ users }, context) => {
    const names = users.map(({ name }) => name);
    const repeated = names.findIndex((name, index) => names.indexOf(name) !== index);
    if (repeated >= 0) {
      context.addIssue({ code: 'custom', path: ['users', repeated, 'name'], message: 'must differ from the others' });
    }
  });

/** What a deployment was asked for, checked. */
export type DeployRequest = z.infer<typeof deployRequestSchema>;
