import { bootingTask, nextForAgent } from '../../src/workflows/agent-work.ts';
import { agentTask, bootstrapTask, graph, play, task } from './graphs.ts';

const shell = graph([
  task('reboot'),
  bootstrapTask('boot', { waitOn: { reboot: 'succeeded' } }),
  agentTask('work', { waitOn: { boot: 'succeeded' } }),
  task('again', { waitOn: { work: 'finished' } }),
]);

describe('what the node boots', () => {
  it('follows the run: while the reboot runs, until the agent is there, while it has work, and not after', () => {
    const run = play(shell);
    const boots = () => bootingTask(run.run, shell)?.label;
    expect(boots()).toBe('boot');
    run.claim('reboot');
    expect(boots()).toBe('boot');
    run.succeed('reboot');
    expect(boots()).toBe('boot');
    run.session('boot1');
    expect(boots()).toBe('boot');
    run.report('work');
    expect(boots()).toBeUndefined();
  });

  it('is nothing in particular for a run without a bootstrap', () => {
    const of = graph([task('a')]);
    expect(bootingTask(play(of).run, of)).toBeUndefined();
  });
});

describe('what an agent does next', () => {
  const of = graph([agentTask('a'), agentTask('b')]);

  it('is what it has already, else the first that nobody has', () => {
    const run = play(of);
    run.send({ kind: 'taken', label: 'b', attempt: 1, bootId: 'boot1' });
    expect(nextForAgent(run.run, of, 'boot1')?.label).toBe('b');
    expect(nextForAgent(run.run, of, 'boot2')?.label).toBe('a');
    run.report('b');
    expect(nextForAgent(run.run, of, 'boot1')?.label).toBe('a');
    run.report('a');
    expect(nextForAgent(run.run, of, 'boot1')).toBeUndefined();
  });
});
