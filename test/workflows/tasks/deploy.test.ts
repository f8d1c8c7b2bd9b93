import { verify } from 'unixcrypt';
import type { PrepareInput, Prepared } from '../../../src/deployment/prepare.ts';
import type { AgentJob, Bag, CommandResult, EffectInput, EffectJob, TaskOutcome } from '../../../src/workflows/job.ts';
import { deployChooseDisk, deployFinishDisk, deployWriteImage } from '../../../src/workflows/tasks/deploy-disk.ts';
import { deployPrepare } from '../../../src/workflows/tasks/deploy-prepare.ts';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDw0Xy7lJCGVGBjUxsgGNDe2ewVaMFOVTHcsQzLrYrtk a@b';
const image = {
  name: 'debian-12',
  sha256: 'ab'.repeat(32),
  sizeBytes: 1000,
  format: 'raw.zst' as const,
  rawBytes: 2e9,
  cloudInit: true,
};

describe('what a deploy begins with', () => {
  const job = deployPrepare as unknown as EffectJob<unknown>;

  /** The request that the job hands over, or how it ended without. */
  async function prepare(options: object, prepared: Partial<typeof image> = {}) {
    const asked: PrepareInput[] = [];
    const services = {
      deploy: {
        prepare: (input: PrepareInput): Promise<Prepared> => {
          asked.push(input);
          const { hostname, seed } = input.request;
          const deployment = { image: { ...image, ...prepared }, hostname, seed };
          return Promise.resolve({ ok: true, deployment } as unknown as Prepared);
        },
        open: (sealed: string) => sealed.replace(/^sealed:/, ''),
      },
    };
    const given = { runId: 'r1', node: { id: 'n1', name: '52:54:00:77:01:00' }, context: {}, services };
    const input = { ...given, options: job.options.parse(options) } as unknown as EffectInput<unknown>;
    const outcome: TaskOutcome = await job.run(input);
    return { outcome, request: asked[0]?.request, runId: asked[0]?.runId };
  }

  it("takes RackHD's names, and makes hashes of passwords", async () => {
    const { outcome, request, runId } = await prepare({
      image: 'debian-12',
      hostname: 'web1',
      domain: 'example.com',
      users: [{ name: 'anna', sshKey: key, password: 'secret', uid: 1010 }],
      rootSshKey: key,
      installDisk: '/dev/sda',
      rootPassword: null,
    });
    expect(runId).toBe('r1');
    expect(request).toMatchObject({
      image: 'debian-12',
      hostname: 'web1',
      domain: 'example.com',
      disk: { name: 'sda' },
      seed: 'disk',
      users: [
        { name: 'root', authorizedKeys: [key] },
        { name: 'anna', authorizedKeys: [key] },
      ],
    });
    expect(request?.users[0]?.passwordHash).toBeUndefined();
    expect(verify('secret', request?.users[1]?.passwordHash ?? '')).toBe(true);
    expect(outcome).toEqual({ ok: true, context: { deployment: { image, hostname: 'web1', seed: 'disk' } } });
  });

  it("takes our API's sealed request as it is, and a host name from the node's", async () => {
    const sealed = { image: 'i1', hostname: 'web2', users: [], seed: 'network' };
    expect((await prepare({ image: 'i1', sealedRequest: `sealed:${JSON.stringify(sealed)}` })).request).toEqual(sealed);
    expect((await prepare({ image: 'debian-12' })).request?.hostname).toBe('52-54-00-77-01-00');
  });

  it.each([
    [{ hostname: 'a b' }, /option 'hostname': must be 1 to 63 letters/],
    [{ users: [{ name: 'anna', sshKey: 'no key' }] }, /option 'users\.0\.authorizedKeys\.0': /],
    [{ users: [{ name: 'anna' }] }, /option 'users\.0': must have a key/],
    [{ userData: '#cloud-config\na: [' }, /option 'userData': /],
    [{ installDisk: { serail: 'x' } }, /option 'disk': .*serail/],
  ])('refuses %j in words', async (options, message) => {
    const { outcome, request } = await prepare({ image: 'debian-12', ...options });
    expect(outcome).toMatchObject({ ok: false, reason: 'options' });
    expect(outcome).toHaveProperty('message', expect.stringMatching(message));
    expect(request).toBeUndefined();
  });

  it('wants the graph that waits for a call where one comes, and the other where none does', async () => {
    const plain = await prepare({ image: 'i1' }, { cloudInit: false });
    expect(plain.outcome).toMatchObject({ ok: false, reason: 'graph' });
    expect(plain.outcome).toHaveProperty('message', expect.stringContaining('Graph.InstallImage.Silent'));
    expect((await prepare({ image: 'i1', callsHome: false })).outcome).toMatchObject({ ok: false, reason: 'graph' });
    expect((await prepare({ image: 'i1', callsHome: false }, { cloudInit: false })).outcome.ok).toBe(true);
  });
});

describe('the disk', () => {
  const choose = deployChooseDisk as unknown as AgentJob<unknown>;
  const deployment = { image, hostname: 'web1', seed: 'disk' };
  const disk = (name: string, sizeBytes: number) => ({
    name,
    sizeBytes,
    serial: `S-${name}`,
    ...{ readOnly: false, removable: false, rotational: false },
  });
  const conclude = (disks: object[], context: Bag) => {
    const result: CommandResult = { code: 0, stdout: JSON.stringify({ disks }), stderr: '' };
    return choose.conclude?.([result], {}, context);
  };

  it('is chosen from what the node lists, and known by what stays', () => {
    expect(conclude([disk('vda', 4e9)], { deployment })).toMatchObject({
      ok: true,
      context: { disk: { id: 'serial:S-vda', name: 'vda', sizeBytes: 4e9 } },
    });
  });

  it.each([
    ['none', [], {}, 'no-disk'],
    ['two that fit', [disk('sda', 4e9), disk('sdb', 8e9)], {}, 'several-disks'],
    ['too small', [disk('sda', 1e9)], {}, 'disk-too-small'],
    ['no such serial', [disk('sda', 4e9)], { diskHints: { serial: 'x' } }, 'no-match'],
  ])('%s: the deploy ends', (_, disks, hints, reason) => {
    expect(conclude(disks, { deployment: { ...deployment, ...hints } })).toMatchObject({ ok: false, reason });
  });

  it('lists of disks that are none, and graphs that prepared nothing, end it too', () => {
    const rubbish: CommandResult = { code: 0, stdout: '<html>', stderr: '' };
    expect(choose.conclude?.([rubbish], {}, { deployment })).toMatchObject({ ok: false, reason: 'agent' });
    expect(conclude([], {})).toMatchObject({ ok: false, reason: 'graph' });
  });

  it.each([deployWriteImage, deployFinishDisk])('is handed to the agent with all that the script asks for', (job) => {
    const work = (job as unknown as AgentJob<unknown>).agentWork(
      {},
      { deployment, disk: { id: 'serial:S-vda', name: 'vda', sizeBytes: 4e9, type: 'ssd' } },
    );
    const { environment = {}, commands } = work;
    expect(environment.DEPLOY_TOKEN).toEqual({ secret: 'deploy-token' });
    const script = commands[0]?.command ?? '';
    const used = [...script.matchAll(/\$\{?([A-Z][A-Z_0-9]+)/g)].map(([, name = '']) => name);
    const needed = new Set(used.filter((name) => !name.startsWith('RACKWRIGHT_') && name !== 'IFS'));
    expect(needed.size).toBeGreaterThan(2);
    expect(Object.keys(environment)).toEqual(expect.arrayContaining([...needed]));
  });

  it('is not touched where nothing was prepared', () => {
    const { commands } = (deployWriteImage as unknown as AgentJob<unknown>).agentWork({}, { deployment });
    expect(commands[0]?.command).toMatch(/^echo 'nothing was prepared.*exit 1$/);
  });
});
