import { pino } from 'pino';
import { createQueue, type Queue } from '../../src/workflows/queue.ts';
import { openRedis, type TestRedis } from '../support/redis.ts';
import { controlledJob, openWorld } from '../workflows/harness.ts';

let redis: TestRedis;
let queues: Queue[] = [];
let world: Awaited<ReturnType<typeof openWorld>>;
const queue = (): Queue => {
  const made = createQueue({ redis: { path: redis.path }, log: pino({ level: 'silent' }) });
  queues.push(made);
  return made;
};

beforeEach(async () => {
  redis = await openRedis();
});
afterEach(async () => {
  await world.close();
  await Promise.all(queues.map((made) => made.close()));
  queues = [];
  await redis.remove();
});

const chain = (runJob: string, length: number) => ({
  friendlyName: 'Chain',
  injectableName: 'Graph.Chain',
  tasks: Array.from({ length }, (_, i) => ({
    label: `t${i}`,
    taskName: `Task.${runJob}`,
    ...(i === 0 ? {} : { waitOn: { [`t${i - 1}`]: 'succeeded' as const } }),
  })),
});

describe('workflows on Bull and a real Redis', () => {
  it('redis-server killed in mid-run: the run goes on, and no attempt is made twice', async () => {
    const { job, open, counts } = controlledJob('Job.Step', 'fail');
    world = await openWorld({ graphs: [chain('Job.Step', 6)], jobs: [job], queue });
    await world.node('n1');
    const { engine } = await world.server();
    const started = await engine.start({ graph: 'Graph.Chain', nodeId: 'n1' });
    const id = started.ok ? started.run.id : '';
    for (let step = 0; step < 6; step += 1) {
      await world.until(id, ({ tasks }) => tasks[`t${step}`]?.state === 'claimed' && open.length === step + 1);
      if (step === 1 || step === 3) await redis.kill();
      open[step]?.end({ ok: true });
    }
    const ended = await world.until(id, ({ sweepKey }) => sweepKey === 'done');
    expect(ended.state).toBe('succeeded');
    expect(counts.runs).toBe(6);
  });

  it('two servers share the work: every attempt runs once', async () => {
    const { job, open, counts } = controlledJob('Job.Step', 'fail');
    const wide = {
      ...chain('Job.Step', 24),
      tasks: chain('Job.Step', 24).tasks.map(({ label, taskName }) => ({ label, taskName })),
    };
    world = await openWorld({ graphs: [wide], jobs: [job], queue });
    await world.node('n1');
    const one = await world.server('m1');
    await world.server('m2');
    const started = await one.engine.start({ graph: 'Graph.Chain', nodeId: 'n1' });
    const id = started.ok ? started.run.id : '';
    // A claim is stored before the work begins: without the second half the last ones would never be ended.
    const claimed = await world.until(
      id,
      ({ tasks }) => Object.values(tasks).every(({ state }) => state === 'claimed') && open.length === 24,
    );
    // 24 at a time are more than the 16 of one server.
    expect(new Set(Object.values(claimed.tasks).map(({ claim }) => claim?.member))).toEqual(new Set(['m1', 'm2']));
    for (const { end } of open) end({ ok: true });
    await world.until(id, ({ sweepKey }) => sweepKey === 'done');
    expect(counts.runs).toBe(24);
  });
});
