import type { NodeStateName } from '../model/node-states.ts';
import type { Mac } from '../net/mac.ts';

/** The machine that a timeline is about: a node, or a MAC that is no node's. */
export interface Subject {
  readonly nodeId?: string;
  readonly name: string;
  /** Only those that are this machine's alone. */
  readonly macs: readonly Mac[];
  /** Only if it can tell machines apart. */
  readonly uuid?: string;
  readonly state?: NodeStateName;
  /** Why the node is in its state. */
  readonly stateReason?: string;
}

/** UUIDs that firmware has when nobody gave it one: whole series of boards share these. */
const placeholders = new Set([
  '03000200-0400-0500-0006-000700080009',
  '00020003-0004-0005-0006-000700080009',
  '12345678-1234-5678-90ab-cddeefaabbcc',
  '12345678-1234-1234-1234-123456789abc',
  '01234567-89ab-cdef-0123-456789abcdef',
  'deadbeef-dead-beef-dead-beefdeadbeef',
  'fefefefe-fefe-fefe-fefe-fefefefefefe',
]);

/** Whether a UUID tells a machine from others: not all one digit, and none of the known placeholders. */
export function isTellingUuid(uuid: string): boolean {
  const lower = uuid.toLowerCase();
  const digits = lower.replaceAll('-', '');
  return /^[0-9a-f]{32}$/.test(digits) && !/^(.)\1*$/.test(digits) && !placeholders.has(lower);
}
