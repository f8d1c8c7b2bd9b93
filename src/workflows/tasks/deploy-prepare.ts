import { z } from 'zod';
import { encrypt } from 'unixcrypt';
import { deployRequestSchema, hostnameFor, type DeployRequest } from '../../deployment/request.ts';
import { defineJob, type EffectInput, type TaskOutcome } from '../job.ts';

/** RackHD's OS installs name keys and passwords so; the fields of our own API are taken as well. */
const userSchema = z.looseObject({
  name: z.string(),
  sshKey: z.union([z.string(), z.array(z.string())]).nullish(),
  password: z.string().min(1).nullish(),
  authorizedKeys: z.array(z.string()).nullish(),
  passwordHash: z.string().nullish(),
});

const optionsSchema = z.looseObject({
  image: z.string().min(1),
  hostname: z.string().nullish(),
  domain: z.string().nullish(),
  users: z.array(userSchema).nullish(),
  rootSshKey: z.union([z.string(), z.array(z.string())]).nullish(),
  rootPassword: z.string().min(1).nullish(),
  /** RackHD: a device (`/dev/sda`); ours: hints. */
  installDisk: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
  userData: z.string().nullish(),
  seed: z.string().nullish(),
  /** The whole of it, from our own API: no key, hash or user data stands in a run's document, and nothing is rendered. */
  sealedRequest: z.string().nullish(),
  /** Whether the graph waits for the installed system's call. */
  callsHome: z.boolean().default(true),
});
type Options = z.infer<typeof optionsSchema>;
type Input = EffectInput<Options>;

/** Checks what is to be deployed and writes it down; the tasks after it go by that alone. */
export const deployPrepare = defineJob<Options>({
  runJob: 'Job.Rackwright.Deploy.Prepare',
  mode: 'effect',
  onInterrupt: 'repeat',
  options: optionsSchema,
  async run({ runId, node, options, services }: Input): Promise<TaskOutcome> {
    if (!node) return { ok: false, reason: 'no-node', message: 'the run has no node' };
    const asked = requestOf(options, node.name, services.deploy.open);
    if (!asked.ok) return { ok: false, reason: 'options', message: asked.message };
    const prepared = await services.deploy.prepare({ runId, nodeId: node.id, request: asked.request });
    if (!prepared.ok) return prepared;
    const { image, hostname, seed, diskHints } = prepared.deployment;
    if (image.cloudInit !== options.callsHome) return { ok: false, reason: 'graph', message: otherGraph(image) };
    return { ok: true, context: { deployment: { image, hostname, seed, ...(diskHints && { diskHints }) } } };
  },
});

function otherGraph({ name, cloudInit }: { name: string; cloudInit: boolean }): string {
  return cloudInit
    ? `the image '${name}' has cloud-init, so that it calls home: run Graph.InstallImage`
    : `the image '${name}' has no cloud-init, so that it will not call home: run Graph.InstallImage.Silent`;
}

type Asked = { readonly ok: true; readonly request: DeployRequest } | { readonly ok: false; readonly message: string };

/** Our API checks what it seals; options that came by RackHD's way are checked here. */
function requestOf(options: Options, nodeName: string, open: (sealed: string) => string): Asked {
  const { sealedRequest } = options;
  if (sealedRequest) return { ok: true, request: JSON.parse(open(sealedRequest)) as DeployRequest };
  const parsed = deployRequestSchema.safeParse(plainRequest(options, nodeName));
  return parsed.success ? { ok: true, request: parsed.data } : { ok: false, message: problemsOf(parsed.error) };
}

function plainRequest(options: Options, nodeName: string): unknown {
  const { image, domain, installDisk, userData, seed } = options;
  const given = { domain, userData, seed, disk: typeof installDisk === 'string' ? { name: installDisk } : installDisk };
  return {
    image,
    hostname: options.hostname ?? hostnameFor(nodeName),
    users: usersOf(options),
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== null)),
  };
}

function usersOf({ users, rootSshKey, rootPassword }: Options): DeployRequest['users'] {
  const root = rootSshKey || rootPassword ? [{ name: 'root', sshKey: rootSshKey, password: rootPassword }] : [];
  return [...root, ...(users ?? [])].map((user) => {
    const { name, sshKey, password, authorizedKeys, passwordHash } = {
      authorizedKeys: [],
      passwordHash: null,
      ...user,
    };
    const hash = passwordHash ?? (password ? encrypt(password) : undefined);
    return {
      name,
      authorizedKeys: [...[sshKey ?? []].flat(), ...(authorizedKeys ?? [])],
      ...(hash === undefined ? {} : { passwordHash: hash }),
    };
  });
}

function problemsOf({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `option '${path.join('.')}': ${message}`).join('; ');
}
