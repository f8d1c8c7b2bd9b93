import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { defineJob, type EffectInput, type OnInterrupt, type PowerAction, type TaskOutcome } from '../job.ts';

/** What one of RackHD's actions is to us. */
interface ActionPlan {
  readonly action: PowerAction;
  /** The power state that must be seen before the task has succeeded. */
  readonly until?: 'on' | 'off';
  /** Doing it twice does no more than doing it once. */
  readonly idempotent: boolean;
}

/** RackHD's names; those of drivers that we have none of (`NMI`, `powerButton`, `clearWatchDog`) are refused. */
const plans = {
  powerOn: { action: 'powerOn', until: 'on', idempotent: true },
  powerOff: { action: 'powerOff', until: 'off', idempotent: true },
  powerStatus: { action: 'powerStatus', idempotent: true },
  reboot: { action: 'powerCycle', until: 'on', idempotent: false },
  powerCycle: { action: 'powerCycle', until: 'on', idempotent: false },
  reset: { action: 'reset', until: 'on', idempotent: false },
  // The operating system may take its time, or refuse: nothing to wait for.
  softReset: { action: 'soft', idempotent: true },
  soft: { action: 'soft', idempotent: true },
  setBootPxe: { action: 'setBootPxe', idempotent: true },
  forceBootPxe: { action: 'setBootPxe', idempotent: true },
  setBootDisk: { action: 'setBootDisk', idempotent: true },
  identifyOn: { action: 'identifyOn', idempotent: true },
  identifyBlink: { action: 'identifyOn', idempotent: true },
  identifyOff: { action: 'identifyOff', idempotent: true },
  mcResetCold: { action: 'mcResetCold', idempotent: true },
  clearSEL: { action: 'clearSEL', idempotent: true },
} as const satisfies Record<string, ActionPlan>;

type ActionName = keyof typeof plans;
const actionNames = Object.keys(plans) as [ActionName, ...ActionName[]];
const optionsSchema = z.looseObject({
  action: z.enum(actionNames),
  /** Ours: what an operator is to do where the node has no power controller. With it such a node is no failure. */
  byHand: z.string().min(1).optional(),
});
type Input = EffectInput<z.infer<typeof optionsSchema>>;

/** How long a BMC may take from accepting a command to showing the new power state. */
const powerMs = 60_000;
/** How long a machine may take from its reset to the first sign of a new boot, after we were interrupted. */
const signMs = 90_000;
const pollMs = 2_000;

/** One command to the node's power controller. */
export const obmNode = defineJob({
  runJob: 'Job.Obm.Node',
  mode: 'effect',
  onInterrupt: ({ action }): OnInterrupt =>
    actionNames.includes(action as ActionName) && plans[action as ActionName].idempotent ? 'repeat' : 'verify',
  options: optionsSchema,
  async run(input: Input) {
    const { node, services, signal, options } = input;
    if (!node) return { ok: false, reason: 'no-node', message: 'the run has no node' };
    const plan: ActionPlan = plans[options.action];
    const action = await applicable(input, node.id, plan);
    if (!plan.idempotent && action === plan.action) await noteSending(input, action);
    const result = await services.obm.act(node.id, action, signal);
    if (!result.ok) return result.reason === 'no-obm' ? askOperator(input, result) : result;
    if (plan.until) return await seePower(input, node.id, plan.until);
    return { ok: true, ...(result.output !== undefined && { output: { output: result.output } }) };
  },
  async verify(input: Input) {
    const { node, services, signal, options } = input;
    if (!node) return 'repeat';
    const sending = await lastSending(input);
    // It was interrupted before the command was about to leave.
    if (!sending) return 'repeat';
    const plan: ActionPlan = plans[options.action];
    const until = input.now().getTime() + signMs;
    for (;;) {
      const status = await services.obm.act(node.id, 'powerStatus', signal);
      // A cycle that was seen in the middle; and where it was off before, on is what was wanted.
      if (plan.until === 'on' && status.ok && status.power === 'off') {
        const on = await services.obm.act(node.id, 'powerOn', signal);
        return on.ok ? await seePower(input, node.id, 'on') : on;
      }
      if (await tookEffect(input, node.id, sending)) {
        return plan.until ? await seePower(input, node.id, plan.until) : { ok: true };
      }
      if (input.now().getTime() >= until) {
        const message = `the server stopped while it sent '${sending.action}', and nothing shows whether the BMC did it`;
        return { ok: false, reason: 'interrupted', message };
      }
      await sleep(pollMs, undefined, { signal });
    }
  },
});

/** A node without a power controller has an operator: the timeline says what is to be done, and the run goes on. */
function askOperator({ options, runId, label, attempt, node, services }: Input, failure: TaskOutcome): TaskOutcome {
  if (options.byHand === undefined) return failure;
  services.record({
    id: `${runId}/${label}/${attempt}/by-hand`,
    kind: 'run.by-hand',
    how: 'self',
    text: `the node has no power controller: ${options.byHand}`,
    runId,
    ...(node && { nodeId: node.id }),
    data: { label, byHand: options.byHand },
  });
  return { ok: true, output: { byHand: options.byHand } };
}

/** BMCs refuse to cycle or reset what is off: switching it on is what was wanted. */
async function applicable({ services, signal }: Input, nodeId: string, plan: ActionPlan): Promise<PowerAction> {
  if (plan.idempotent || plan.until !== 'on') return plan.action;
  const status = await services.obm.act(nodeId, 'powerStatus', signal);
  return status.ok && status.power === 'off' ? 'powerOn' : plan.action;
}

async function seePower({ services, signal, now }: Input, nodeId: string, wanted: 'on' | 'off'): Promise<TaskOutcome> {
  const until = now().getTime() + powerMs;
  for (;;) {
    const status = await services.obm.act(nodeId, 'powerStatus', signal);
    // A controller that does not know the state has said all it can.
    if (status.ok && (status.power === wanted || status.power === undefined)) return { ok: true };
    if (now().getTime() >= until) {
      if (!status.ok) return status;
      const message = `the BMC accepted the command, and after ${powerMs / 1000} s the power is still not ${wanted}`;
      return { ok: false, reason: 'power', message };
    }
    await sleep(pollMs, undefined, { signal });
  }
}

interface Sending {
  readonly action: PowerAction;
  /** ISO 8601. */
  readonly at: string;
}

/** Durable before the command leaves: found after a crash, it says that the command may have left. */
async function noteSending({ services, runId, label, attempt, now }: Input, action: PowerAction): Promise<void> {
  const data: { sending: Sending } = { sending: { action, at: now().toISOString() } };
  await services.store.taskOutputs.insert({ id: `${runId}/${label}/${attempt}/sending`, runId, label, attempt, data });
}

async function lastSending({ services, runId, label }: Input): Promise<Sending | undefined> {
  const { items } = await services.store.taskOutputs.find({ where: { runId, label } });
  const notes = items.toSorted((a, b) => b.attempt - a.attempt).map(({ data }) => sendingSchema.safeParse(data));
  return notes.find((note) => note.success)?.data.sending;
}

const sendingSchema = z.looseObject({
  sending: z.object({ action: z.custom<PowerAction>((value) => typeof value === 'string'), at: z.string() }),
});

/** Whether anything since then shows that the command arrived: the BMC's answer, or the node booting. */
async function tookEffect({ services, node }: Input, nodeId: string, { action, at }: Sending): Promise<boolean> {
  const macs = [...(node?.identifiers ?? [])];
  const since = { at: { gte: at } };
  const [own, seen] = await Promise.all([
    services.store.facts.find({ where: { nodeId, kind: { in: ['bmc.command', 'boot.script'] }, ...since } }),
    services.store.facts.find({ where: { mac: { in: macs }, kind: 'dhcp.discover', ...since } }),
  ]);
  return (
    own.items.some(({ kind, data }) => kind === 'boot.script' || data.action === action) ||
    seen.items.some(({ data }) => data.stage === 'firmware')
  );
}
