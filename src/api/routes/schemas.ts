import { z } from 'zod';
import type { FactKind, Witness } from '../../model/fact.ts';
import type { NodeStateName } from '../../model/node-states.ts';
import type { NodeType } from '../../model/node.ts';
import type { RunState, TaskState } from '../../model/run.ts';

/** The bodies of our own API; the OpenAPI document and the handlers' types come from these. */

const at = z.iso.datetime().describe('ISO 8601, UTC');
const mac = z.string().describe('six lower-case hexadecimal pairs joined by colons');
const named = <T extends string>(meaning: string): z.ZodType<T> =>
  z.custom<T>((value) => typeof value === 'string').meta({ type: 'string', description: meaning });

export const byId = z.object({ id: z.string().describe("the node's id") });
export const byWord = z.object({ id: z.string().describe("the node's id, name, serial number, MAC or IPv4 address") });
export const byOperation = z.object({
  id: z.string().describe("the operation's id, or RackHD's instance id of the run"),
});

const summarySchema = z.object({
  vendor: z.string().optional(),
  product: z.string().optional(),
  serial: z.string().optional(),
  cpuModel: z.string().optional(),
  cpuCount: z.number().optional(),
  cpuCores: z.number().optional(),
  memoryBytes: z.number().optional(),
  disks: z
    .array(
      z.object({
        name: z.string(),
        sizeBytes: z.number(),
        model: z.string().optional(),
        serial: z.string().optional(),
      }),
    )
    .readonly()
    .optional(),
  macs: z.array(mac).readonly().optional(),
  bmcAddress: z.string().optional(),
  bmcMac: mac.optional(),
});

const stateSchema = z.object({
  name: named<NodeStateName>('a state of docs/node-states.md'),
  since: at,
  deadline: at.optional().describe('when a state in progress expires'),
  runId: z.string().optional().describe('the operation that a state in progress waits for'),
  reason: z.string().optional().describe('why the node is in this state'),
});

export const nodeItemSchema = z.object({
  id: z.string(),
  name: z.string(),
  type: named<NodeType>('compute, switch, pdu, ...'),
  state: stateSchema,
  summary: summarySchema,
  identifiers: z.array(z.string()).readonly(),
  tags: z.array(z.string()).readonly(),
  sku: z.string().nullable(),
  uuid: z.string().optional(),
  addresses: z.array(z.object({ mac, address: z.string() })).describe('the addresses of its MACs, the BMC apart'),
  bmc: z.object({ address: z.string().optional(), mac: mac.optional() }).optional(),
  createdAt: at,
  updatedAt: at,
});
export type NodeItem = z.infer<typeof nodeItemSchema>;

const deploymentSchema = z.object({
  operation: z.string().describe('the operation that made it'),
  image: z.object({ name: z.string(), sha256: z.string() }),
  hostname: z.string(),
  disk: z
    .object({ name: z.string(), sizeBytes: z.number(), serial: z.string().optional(), wwn: z.string().optional() })
    .optional()
    .describe('the disk that was chosen'),
  progress: z.object({ step: z.string(), bytes: z.number(), total: z.number(), at }).optional(),
  system: z
    .object({
      hostname: z.string(),
      kernel: z.string().optional(),
      addresses: z.array(z.string()).readonly(),
      os: z.string().optional(),
      at,
    })
    .optional()
    .describe('what the installed system said of itself when it called home'),
  createdAt: at,
});
export type DeploymentView = z.infer<typeof deploymentSchema>;

export const nodeSchema = nodeItemSchema.extend({
  deployment: deploymentSchema.optional().describe("the newest; its system is the node's while the state is deployed"),
  moves: z.array(z.string()).describe('what POST /nodes/:id/<move> may be now'),
  operation: z.string().optional().describe('id of the active operation'),
  obms: z.array(z.object({ id: z.string(), service: z.string() })),
  relations: z
    .array(
      z.object({ relationType: z.string(), info: z.unknown().optional(), targets: z.array(z.string()).readonly() }),
    )
    .readonly(),
});

/** One page of a list: `next` is the `cursor` of the page after, if there is one. */
export function pageSchema<T extends z.ZodType>(
  item: T,
): z.ZodObject<{ items: z.ZodArray<T>; next: z.ZodOptional<z.ZodString> }> {
  return z.object({ items: z.array(item), next: z.string().optional() });
}

/** `limit` and `cursor` of a list. */
export const paging = {
  limit: z
    .string()
    .regex(/^\d{1,4}$/, 'must be a whole number from 1 to 1000')
    .transform(Number)
    .pipe(z.number().min(1, 'must be at least 1').max(1000, 'must be at most 1000'))
    .optional()
    .describe('most items of the page; 100 if absent'),
  cursor: z.string().optional().describe('`next` of the page before'),
};
export const defaultLimit = 100;

export const operationSchema = z.object({
  id: z.string(),
  instanceId: z.string().describe("the run's id in RackHD's API"),
  graph: z.string(),
  name: z.string(),
  state: named<RunState>('running, succeeded, failed or cancelled'),
  nodeId: z.string().optional(),
  error: z
    .object({ label: z.string().optional(), reason: z.string(), message: z.string() })
    .optional()
    .describe('why it failed or was cancelled'),
  createdAt: at,
  endedAt: at.optional(),
  tasks: z.array(
    z.object({
      label: z.string(),
      state: named<TaskState>('pending, dispatched, claimed, waiting, succeeded, failed, timeout or cancelled'),
      attempt: z.number(),
      startedAt: at.optional(),
      endedAt: at.optional(),
      deadline: at.optional(),
      error: z.object({ reason: z.string(), message: z.string() }).optional(),
    }),
  ),
});
export type Operation = z.infer<typeof operationSchema>;

export const factSchema = z.object({
  id: z.string(),
  at,
  kind: named<FactKind>('a kind of docs/architecture.md'),
  how: named<Witness>('how we know: packet (forgeable), token, bmc or self'),
  text: z.string(),
  mac: mac.optional(),
  uuid: z.string().optional(),
  address: z.string().optional(),
  nodeId: z.string().optional(),
  runId: z.string().optional(),
  data: z.record(z.string(), z.unknown()),
});
export type FactView = z.infer<typeof factSchema>;

export const diagnosisSchema = z.object({
  node: z.string().optional().describe('absent where the machine is not enrolled'),
  name: z.string(),
  at: at.describe('what was known then'),
  outcome: z.enum(['well', 'in-progress', 'stopped', 'unknown']),
  boot: z.object({ began: at, beganBy: z.enum(['power', 'firmware', 'other']), facts: z.number() }).optional(),
  verdicts: z
    .array(
      z.object({
        cause: z.string(),
        title: z.string(),
        confidence: z.number().describe('0..1'),
        outcome: z.enum(['well', 'in-progress', 'stopped']),
        why: z.string(),
        evidence: z.array(z.object({ text: z.string(), factId: z.string().optional(), at: at.optional() })),
        nextCheck: z.string().describe('the one check that would tell this cause from the next'),
      }),
    )
    .describe('the likeliest cause first'),
});

export const leaseSchema = z.object({
  address: z.string(),
  mac,
  subnet: z.string(),
  state: z.enum(['bound', 'declined']),
  expiresAt: at,
  hostname: z.string().optional(),
  uuid: z.string().optional(),
  nodeId: z.string().optional(),
});

export const catalogSchema = z.object({
  id: z.string(),
  source: z.string(),
  data: z.unknown(),
  createdAt: at,
  updatedAt: at,
});
