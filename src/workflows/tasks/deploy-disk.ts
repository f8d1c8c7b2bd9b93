import { z } from 'zod';
import { chooseDisk, neededBytes, parseDisks } from '../../deployment/disks.ts';
import type { ChosenDisk, Deployment } from '../../model/deployment.ts';
import { defineJob, type AgentWork, type Bag, type CommandResult, type TaskOutcome } from '../job.ts';
import { agentScript } from './agent-script.ts';

/** What the agent does to the disk in a deploy: choose, write, finish. Each may be done again from its beginning. */

/** What `Job.Rackwright.Deploy.Prepare` and the choice of the disk left in the run's context. */
interface DeployContext {
  readonly deployment: Pick<Deployment, 'image' | 'hostname' | 'seed' | 'diskHints'>;
  readonly disk?: ChosenDisk;
}

const noOptions = z.looseObject({});

/** The run's context is our own writing; a graph that lacks the tasks before this one has none of it. */
function deployContext(context: Bag): DeployContext | undefined {
  return context.deployment === undefined ? undefined : (context as unknown as DeployContext);
}

const unprepared = 'nothing was prepared: Job.Rackwright.Deploy.Prepare and the choice of a disk have to come first';

/** Has the node list its disks, and chooses by the hints; several that fit, none, or one too small end the deploy. */
export const deployChooseDisk = defineJob({
  runJob: 'Job.Rackwright.Deploy.ChooseDisk',
  mode: 'wait',
  awaits: 'report',
  onInterrupt: 'repeat',
  options: noOptions,
  agentWork: () => ({ commands: [{ command: agentScript('list-disks'), title: 'list-disks' }], stopOnError: true }),
  conclude: (results, _, context) => conclude(results, deployContext(context)),
});

function conclude([listed]: readonly CommandResult[], context: DeployContext | undefined): TaskOutcome {
  if (!context) return { ok: false, reason: 'graph', message: unprepared };
  const parsed = parseDisks(listed?.stdout ?? '');
  if (!parsed.ok) return { ok: false, reason: 'agent', message: parsed.message };
  const { image, diskHints } = context.deployment;
  const choice = chooseDisk(parsed.disks, diskHints, neededBytes(image));
  return choice.ok ? { ok: true, context: { disk: choice.disk } } : choice;
}

/** Writes the image. After a killed agent or a power loss it begins anew: what was on the disk is gone already. */
export const deployWriteImage = defineJob({
  runJob: 'Job.Rackwright.Deploy.WriteImage',
  mode: 'wait',
  awaits: 'report',
  onInterrupt: 'repeat',
  options: noOptions,
  agentWork: (_, context) => diskWork('write-image', deployContext(context)),
});

/** Makes the written disk this node's: its seed, its size, its firmware's boot entry. */
export const deployFinishDisk = defineJob({
  runJob: 'Job.Rackwright.Deploy.FinishDisk',
  mode: 'wait',
  awaits: 'report',
  onInterrupt: 'repeat',
  options: noOptions,
  agentWork: (_, context) => diskWork('finish-disk', deployContext(context)),
});

function diskWork(script: 'write-image' | 'finish-disk', context: DeployContext | undefined): AgentWork {
  if (!context?.disk) return { commands: [{ command: `echo '${unprepared}' >&2; exit 1` }], stopOnError: true };
  const { deployment, disk } = context;
  const { image, hostname, seed } = deployment;
  return {
    commands: [{ command: agentScript(script), title: script }],
    environment: {
      DEPLOY_TOKEN: { secret: 'deploy-token' },
      DISK: `/dev/${disk.name}`,
      DISK_ID: disk.id,
      DISK_BYTES: disk.sizeBytes.toString(),
      IMAGE_SHA256: image.sha256,
      IMAGE_BYTES: image.sizeBytes.toString(),
      IMAGE_FORMAT: image.format,
      RAW_BYTES: image.rawBytes.toString(),
      CLOUD_INIT: image.cloudInit ? 'yes' : 'no',
      SEED: seed,
      HOSTNAME: hostname,
    },
    stopOnError: true,
  };
}
