import type { LabNode } from '../../src/lab/node.ts';

/** Arguments of `serve` that let a test kill the agent of a node: the kernel then takes all that the keyboard asks for. */
export const killable: readonly string[] = [
  '--microkernel-kernel-args',
  'console=tty0 console=ttyS0,115200n8 quiet sysrq_always_enabled',
];

/**
 * Kills every process of the discovery OS but its first: the agent, the command that it runs, and all that this one had
 * started (Linux, "Magic SysRq key": `i`). The serial line takes no second client, so the keyboard has to do.
 */
export async function killAgent(node: LabNode): Promise<void> {
  await node.pressKeys('alt', 'sysrq', 'i');
}
