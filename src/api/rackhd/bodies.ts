import { z } from 'zod';
import { isIpv4 } from '../../net/address.ts';
import { parseMac } from '../../net/mac.ts';
import { identifierForm } from '../find-node.ts';

/** The bodies that RackHD's operations take. */

const bag = z.record(z.string(), z.unknown());
const text = z.string().max(1024);

const nodeTypes = ['compute', 'compute-container', 'switch', 'dae', 'pdu', 'mgmt', 'enclosure', 'rack'] as const;

/** Clients send flags as text, too. */
const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((word) => word === 'true')]);

const obmWithoutNode = z.object({ service: text.min(1), config: bag });

const nodeFields = {
  name: text.min(1),
  type: z.enum(nodeTypes),
  identifiers: z.array(text.min(1).transform(identifierForm)).max(1000),
  autoDiscover: flag,
  tags: z.array(text.min(1)).max(1000),
  relations: z
    .array(
      z.object({
        relationType: text.min(1),
        info: z.unknown().optional(),
        targets: z.array(text.min(1)).max(10_000),
      }),
    )
    .max(100),
  bootSettings: bag,
  sku: text.nullable(),
  obms: z.array(obmWithoutNode).max(20),
  /** RackHD 1.1's name of `obms`, which clients still send. */
  obmSettings: z.array(obmWithoutNode).max(20),
};

export const postNode = z.strictObject(nodeFields).partial().required({ name: true, type: true });

/** RackHD checks no unknown keys here: clients PATCH back what they GET. */
export const patchNode = z
  .object({
    ...nodeFields,
    // What a GET gives under these names is no list that could be written.
    tags: z.union([nodeFields.tags, text.transform(() => undefined)]),
    sku: z.union([text.transform((sku) => sku.split('/').at(-1) ?? null), z.null()]),
    obms: z.array(z.union([obmWithoutNode, z.looseObject({ ref: text })])).max(20),
  })
  .partial();

export type PostNode = z.infer<typeof postNode>;
export type PatchNode = z.infer<typeof patchNode>;
export type ObmBody = z.infer<typeof obmWithoutNode>;

export const putNodeObm = z.strictObject({ nodeId: text.optional(), service: text.min(1), config: bag });
export const putObm = z.strictObject({ nodeId: text.min(1), service: text.min(1), config: bag });
export const patchObm = z.looseObject({ nodeId: text.optional(), service: text.optional(), config: bag.optional() });

/** RackHD's light: off unless `value` is true. */
export const postLed = z.looseObject({
  nodeId: z.string('Must specify nodeId in body'),
  value: z.boolean().optional(),
});

export const patchTags = z.looseObject({ tags: z.array(text.min(1), 'tags must be an array').max(1000) });

const macAddress = text.transform((value, context) => {
  const mac = parseMac(value);
  if (mac === undefined)
    context.addIssue({ code: 'custom', message: 'must be a MAC address, such as 52:54:00:12:34:56' });
  return mac ?? z.NEVER;
});
const lookupFields = {
  macAddress,
  ipAddress: text.refine(isIpv4, 'must be an IPv4 address'),
  node: text,
};
export const postLookup = z.strictObject(lookupFields).partial().required({ macAddress: true });
export const patchLookup = z.strictObject(lookupFields).partial();

/** The start of a workflow; `name` may be in the query instead. */
export const startWorkflow = z.looseObject({
  name: text.optional(),
  options: bag.nullish(),
  context: bag.nullish(),
});
export const startQuery = z.looseObject({ name: text.optional() });
export type StartWorkflow = z.infer<typeof startWorkflow>;

export const workflowAction = z.looseObject({ command: z.string('must be a workflow action: cancel') });
