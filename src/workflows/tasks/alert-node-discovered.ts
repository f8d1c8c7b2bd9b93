import { z } from 'zod';
import { defineJob } from '../job.ts';

/** Says that the node was discovered, for those who listen to facts. */
export const alertNodeDiscovered = defineJob({
  runJob: 'Job.Alert.Node.Discovered',
  mode: 'effect',
  onInterrupt: 'repeat',
  options: z.looseObject({}),
  run: ({ node, runId, label, services, now }) => {
    if (!node) return Promise.resolve({ ok: false, reason: 'no-node', message: 'the run has no node' });
    services.record({
      id: `${runId}/${label}`,
      at: now().toISOString(),
      kind: 'node.discovered',
      how: 'self',
      text: `node ${node.name} was discovered`,
      nodeId: node.id,
      runId,
      data: { type: node.type },
    });
    return Promise.resolve({ ok: true });
  },
});
