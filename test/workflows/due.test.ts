import { due } from '../../src/workflows/due.ts';
import { agentTask, graph, play, task } from './graphs.ts';

const kinds = (run: ReturnType<typeof play>) => due(run.run, run.now()).map(({ kind }) => kind);

describe('due', () => {
  it('dispatches what a worker should take', () => {
    const run = play(graph([task('a'), task('b', { waitOn: { a: 'succeeded' } })]));
    run.publish();
    expect(due(run.run, run.now())).toEqual([{ kind: 'dispatch', label: 'a', attempt: 1 }]);
  });

  it('publishes what is not published yet', () => {
    const run = play(graph([agentTask('a', { timeoutMs: undefined as never })]));
    expect(due(run.run, run.now())).toMatchObject([{ kind: 'publish', upTo: 2 }]);
  });

  it('looks again at the first of claims and deadlines, then signals it', () => {
    const run = play(graph([task('a', { timeoutMs: 50_000 }), agentTask('b', { timeoutMs: 40_000 })]));
    run.claim('a');
    run.publish();
    const at = (ms: number) => new Date(run.now().getTime() + ms).toISOString();
    expect(due(run.run, run.now())).toEqual([{ kind: 'wake', at: at(30_000) }]);
    run.wait(30_000);
    expect(due(run.run, run.now())).toEqual([
      { kind: 'claim-expired', label: 'a', attempt: 1 },
      { kind: 'wake', at: at(10_000) },
    ]);
    run.wait(10_000);
    expect(kinds(run)).toEqual(['claim-expired', 'deadline', 'wake']);
  });

  it('has nothing for a run that has ended and is published', () => {
    const run = play(graph([task('a')]));
    run.runTask('a');
    run.publish();
    expect(due(run.run, run.now())).toEqual([]);
  });
});
