import { z } from 'zod';
import { defineJob, type AgentCommand, type AgentWork } from '../job.ts';

/** RackHD's command options: a line, or a line with what belongs to it; `timeoutSeconds` and `ignoreFailure` are ours. */
const commandSchema = z.union([
  z.string().min(1),
  z.looseObject({
    command: z.string().min(1),
    downloadUrl: z.string().optional(),
    acceptedResponseCodes: z.array(z.number().int()).optional(),
    catalog: z
      .looseObject({ source: z.string().min(1), format: z.enum(['json', 'xml', 'raw', 'auto']).default('raw') })
      .optional(),
    timeoutSeconds: z.number().min(1).optional(),
    ignoreFailure: z.boolean().optional(),
  }),
]);
const optionsSchema = z.looseObject({
  commands: z.union([commandSchema, z.array(commandSchema)]),
  environment: z.record(z.string(), z.string()).optional(),
});
type Options = z.infer<typeof optionsSchema>;

/** A user's commands, in order, until one's exit code is not accepted. Nobody knows what a second run would do. */
export const linuxCommands = defineJob<Options>({
  runJob: 'Job.Linux.Commands',
  mode: 'wait',
  awaits: 'report',
  onInterrupt: 'fail',
  options: optionsSchema,
  agentWork: toWork,
});

/** Commands that only read, and whose outputs are catalogs. */
export const linuxCatalog = defineJob<Options>({
  runJob: 'Job.Linux.Catalog',
  mode: 'wait',
  awaits: 'report',
  onInterrupt: 'repeat',
  options: optionsSchema,
  agentWork: toWork,
});

function toWork({ commands, environment }: Options): AgentWork {
  return {
    commands: [commands].flat().map(toCommand),
    stopOnError: true,
    ...(environment === undefined ? {} : { environment }),
  };
}

function toCommand(given: z.infer<typeof commandSchema>): AgentCommand {
  if (typeof given === 'string') return { command: given };
  const { command, downloadUrl, acceptedResponseCodes, catalog, timeoutSeconds, ignoreFailure } = given;
  return {
    command,
    ...(downloadUrl === undefined ? {} : { downloadUrl }),
    ...(acceptedResponseCodes === undefined ? {} : { acceptedResponseCodes }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(ignoreFailure === undefined ? {} : { ignoreFailure }),
    ...(catalog === undefined ? {} : { catalog: { source: catalog.source, format: catalog.format } }),
  };
}
