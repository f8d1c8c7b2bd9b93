import { migrations } from '../../src/store/migrations/index.ts';

describe("a graph's nodeEvents, when it became a name", () => {
  const [toPurposes] = migrations.definitions;

  it.each([
    ['true was said of discoveries', { nodeEvents: true, tasks: [] }, { nodeEvents: 'discover', tasks: [] }],
    ['false says nothing', { nodeEvents: false, tasks: [] }, { tasks: [] }],
    ['a task has none', { runJob: 'Job.noop' }, { runJob: 'Job.noop' }],
  ])('%s', (_, body, expected) => {
    expect(toPurposes.lift({ kind: 'graph', body })).toEqual({ kind: 'graph', body: expected });
  });
});
