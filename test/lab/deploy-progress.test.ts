import type { DeployProgress } from '../../src/lab/deploy-progress.ts';
import { afterDeployFact } from '../../src/lab/deploy-progress.ts';
import { deployView } from '../../src/lab/deploy-screen.ts';
import type { FactView } from '../../src/lab/progress.ts';

const runId = '6b01f31a101bfa8ce1d31a63';
const start: DeployProgress = {
  node: 1,
  kind: 'uefi',
  image: 'debian-12',
  runId,
  startedAt: 0,
  steps: ['prepare', 'bootstrap', 'write-image', 'home'].map((label) => ({ label })),
};
const fact = (second: number, kind: FactView['kind'], data: Record<string, unknown>, text = ''): FactView => ({
  at: new Date(second * 1000).toISOString(),
  ...{ kind, data, text, runId },
});
const task = (second: number, label: string, state: string, text = ''): FactView =>
  fact(second, 'run.task', { label, state }, text);
const after = (facts: readonly FactView[], from = start): DeployProgress => facts.reduce(afterDeployFact, from);

const writing = after([
  task(0, 'prepare', 'began'),
  task(1, 'prepare', 'succeeded'),
  task(1, 'bootstrap', 'began'),
  task(21, 'bootstrap', 'succeeded'),
  task(21, 'write-image', 'began'),
  fact(24, 'deploy.progress', { step: 'write', bytes: 309e6, total: 618e6, rate: 103e6, secondsLeft: 3 }),
]);

describe('progress of a deploy', () => {
  it('takes each step’s times from the run’s facts, and bytes for the step that is under way', () => {
    expect(writing.steps).toEqual([
      { label: 'prepare', beganAt: 0, endedAt: 1000, state: 'succeeded' },
      { label: 'bootstrap', beganAt: 1000, endedAt: 21_000, state: 'succeeded' },
      {
        ...{ label: 'write-image', beganAt: 21_000, state: 'began' },
        transfer: { bytes: 309e6, total: 618e6, rate: 103e6, secondsLeft: 3 },
      },
      { label: 'home' },
    ]);
    expect(writing.end).toBeUndefined();
  });

  it('is not moved by the facts of other runs, or by facts without what it needs', () => {
    const other = { ...task(30, 'write-image', 'succeeded'), runId: 'b'.repeat(24) };
    expect(after([other, fact(30, 'run.task', {}), fact(30, 'run.finished', {})], writing)).toEqual(writing);
    expect(after([fact(30, 'deploy.progress', { bytes: 'all' })], writing).steps[2]?.transfer).toEqual({
      bytes: 0,
      total: 0,
    });
  });

  it('keeps the begin of a step that is tried again, and says why', () => {
    const again = after([task(40, 'write-image', 'repeated', 'the node booted anew')], writing);
    expect(again.steps[2]).toMatchObject({ beganAt: 21_000, state: 'repeated' });
    expect(again.note).toBe('the node booted anew');
    expect(after([task(50, 'write-image', 'succeeded')], again).note).toBeUndefined();
  });

  it('ends with the run; the reason of the step that failed stays', () => {
    const failed = after(
      [
        task(40, 'write-image', 'failed', "task 'write-image' failed: the disk is too small"),
        fact(41, 'run.finished', { state: 'failed' }),
      ],
      writing,
    );
    expect(failed).toMatchObject({
      end: { state: 'failed', at: 41_000 },
      note: "task 'write-image' failed: the disk is too small",
    });
    expect(failed.steps[2]).toMatchObject({ endedAt: 40_000, state: 'failed' });
  });
});

describe('screen of a deploy', () => {
  it('shows when each step began, how long it took, and a bar for bytes, in 80 columns', () => {
    const lines = deployView.render(writing, 25_000, 80);
    expect(lines).toEqual([
      'node 1 uefi: debian-12   deploying 25.0',
      '  prepare         0.0  1.0 s',
      '  bootstrap       1.0  20.0 s',
      '  write-image    21.0  [#######-------]  50 % of 618 MB, 103.0 MB/s, 3 s left',
      '  home              .',
    ]);
    expect(deployView.rows(writing)).toBeGreaterThanOrEqual(lines.length);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('stops the clock at the end, says what failed, and cuts lines at the width', () => {
    const failed = after(
      [
        task(40, 'write-image', 'failed', `task failed: ${'x'.repeat(99)}`),
        fact(41, 'run.finished', { state: 'failed' }),
      ],
      writing,
    );
    const lines = deployView.render(failed, 99_000, 60);
    expect(lines[0]).toMatch(/failed 41\.0$/);
    expect(lines[3]).toBe('  write-image    21.0  failed 19.0 s');
    expect(lines.at(-1)).toMatch(/^ {2}task failed: x+$/);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(60);
  });

  it('tells what is new, a line each, and bytes by tenths, where nothing can be redrawn', () => {
    expect(deployView.changes(undefined, writing)).toEqual([
      'node 1 uefi         0.0 s  prepare',
      'node 1 uefi         1.0 s  prepare succeeded',
      'node 1 uefi         1.0 s  bootstrap',
      'node 1 uefi        21.0 s  bootstrap succeeded',
      'node 1 uefi        21.0 s  write-image',
      'node 1 uefi                write-image 50 % of 618 MB, 103.0 MB/s, 3 s left',
    ]);
    const slightly = after([fact(25, 'deploy.progress', { bytes: 320e6, total: 618e6 })], writing);
    expect(deployView.changes(writing, slightly)).toEqual([]);
    const end = after(
      [task(30, 'write-image', 'failed', 'too small'), fact(31, 'run.finished', { state: 'failed' })],
      writing,
    );
    expect(deployView.changes(slightly, end)).toEqual([
      'node 1 uefi        30.0 s  write-image failed',
      'node 1 uefi                too small',
      'node 1 uefi        31.0 s  failed',
    ]);
  });
});
