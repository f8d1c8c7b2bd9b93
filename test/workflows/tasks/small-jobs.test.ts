import type { NewFact } from '../../../src/model/fact.ts';
import { checkOptions } from '../../../src/workflows/graph.ts';
import type { AgentJob, EffectInput, EffectJob, Job, SessionJob, TaskOutcome } from '../../../src/workflows/job.ts';
import { jobs } from '../../../src/workflows/tasks/index.ts';

const jobOf = (runJob: string): Job => {
  const job = jobs.find((candidate) => candidate.runJob === runJob);
  if (!job) throw new Error(`no job ${runJob}`);
  return job;
};

function run(runJob: string, options: object, given: Partial<EffectInput<unknown>> = {}): Promise<TaskOutcome> {
  const job = jobOf(runJob) as unknown as EffectJob<unknown>;
  const input = {
    runId: 'r1',
    label: 'a',
    attempt: 1,
    node: undefined,
    context: {},
    signal: new AbortController().signal,
    now: () => new Date('2026-01-01T00:00:00.000Z'),
    services: {},
    ...given,
    options: job.options.parse(options),
  };
  return job.run(input as EffectInput<unknown>);
}
const work = (runJob: string, options: object) => {
  const job = jobOf(runJob) as unknown as AgentJob<unknown>;
  return job.agentWork(job.options.parse(options), {});
};

describe('Job.Evaluate.Condition', () => {
  it.each([
    ['true', true],
    ['TRUE', true],
    [true, true],
    ['false', false],
    ['yes', false],
    ['', false],
  ])('%j: %j', async (when, ok) => {
    expect((await run('Job.Evaluate.Condition', { when })).ok).toBe(ok);
  });
});

describe('Job.noop', () => {
  it('ends at once, and stops when aborted', async () => {
    expect(await run('Job.noop', {})).toEqual({ ok: true });
    await expect(run('Job.noop', { delay: 60_000 }, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/);
  });
});

describe('Job.Alert.Node.Discovered', () => {
  it('says so once a task, however often it runs', async () => {
    const facts: NewFact[] = [];
    const services = { record: (fact: NewFact) => facts.push(fact) };
    const node = { id: 'n1', name: 'rack1', type: 'compute' };
    const given = { node, services } as unknown as Partial<EffectInput<unknown>>;
    await run('Job.Alert.Node.Discovered', {}, given);
    await run('Job.Alert.Node.Discovered', {}, given);
    expect(facts.map(({ id, kind, nodeId }) => ({ id, kind, nodeId }))).toEqual(
      Array(2).fill({ id: 'r1/a', kind: 'node.discovered', nodeId: 'n1' }),
    );
  });

  it('fails without a node', async () => {
    expect(await run('Job.Alert.Node.Discovered', {})).toMatchObject({ ok: false, reason: 'no-node' });
  });
});

describe('work for the agent', () => {
  it('takes RackHD’s forms of commands', () => {
    const full = {
      command: 'b',
      downloadUrl: 'http://x/y',
      acceptedResponseCodes: [1],
      catalog: { source: 's' },
      retries: 3,
    };
    expect(work('Job.Linux.Commands', { commands: ['a', full] })).toEqual({
      stopOnError: true,
      commands: [
        { command: 'a' },
        {
          command: 'b',
          downloadUrl: 'http://x/y',
          acceptedResponseCodes: [1],
          catalog: { source: 's', format: 'raw' },
        },
      ],
    });
    expect(work('Job.Linux.Catalog', { commands: 'a', environment: { LC_ALL: 'C' } })).toMatchObject({
      commands: [{ command: 'a' }],
      environment: { LC_ALL: 'C' },
    });
  });

  it('names the command that is wrong', () => {
    const errors = checkOptions(jobOf('Job.Linux.Commands'), { commands: ['a', { acceptedResponseCodes: [1] }] });
    expect(errors.join()).toContain('commands');
  });

  it.each([
    ['stay', undefined],
    ['reboot', 'reboot'],
    ['power-off', 'power-off'],
  ])('the end of a discovery, %s', (then, expected) => {
    expect(work('Job.Rackwright.Discovery.End', { then }).then).toBe(expected);
  });
});

describe('Job.Linux.Bootstrap', () => {
  it('boots the discovery OS, whatever RackHD’s options say', () => {
    const job = jobOf('Job.Linux.Bootstrap') as unknown as SessionJob<unknown>;
    const boots = (options: object) => job.boots(job.options.parse(options));
    expect(boots({ kernelFile: 'vmlinuz', profile: 'linux.ipxe' })).toEqual({ kind: 'discovery' });
    expect(boots({ kernelArgs: 'debug' })).toEqual({ kind: 'discovery', kernelArgs: 'debug' });
  });
});
