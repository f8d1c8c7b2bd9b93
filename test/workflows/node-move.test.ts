import type { NodeState } from '../../src/model/node.ts';
import { moveNode, type NodeMove } from '../../src/workflows/node-move.ts';

const now = new Date('2026-01-01T00:00:00.000Z');
const move = (state: Partial<NodeState>, event: Partial<NodeMove>) =>
  moveNode(
    { state: { name: 'new', since: 'x', ...state } },
    { eventId: 'r1/2', event: 'discover', runId: 'r1', ...event },
    now,
  );

describe('moveNode', () => {
  it('begins a discovery in the name of its run, with a deadline', () => {
    expect(move({}, {})).toEqual({
      kind: 'moved',
      state: {
        name: 'discovering',
        since: '2026-01-01T00:00:00.000Z',
        deadline: '2026-01-01T01:00:00.000Z',
        runId: 'r1',
        eventId: 'r1/2',
      },
    });
  });

  it('ends it with the reason, and without deadline and run', () => {
    const result = move(
      { name: 'discovering', runId: 'r1', eventId: 'r1/2' },
      { event: 'fail', eventId: 'r1/9', reason: 'no dmi' },
    );
    expect(result).toEqual({
      kind: 'moved',
      state: { name: 'failed-discovery', since: now.toISOString(), eventId: 'r1/9', reason: 'no dmi' },
    });
  });

  it('takes over from a run that is gone', () => {
    expect(move({ name: 'discovering', runId: 'r0', eventId: 'r0/2' }, {})).toMatchObject({
      kind: 'moved',
      state: { runId: 'r1' },
    });
  });

  it.each<[string, Partial<NodeState>, Partial<NodeMove>, string]>([
    ['the same event again', { name: 'discovering', runId: 'r1', eventId: 'r1/2' }, {}, 'repeated'],
    ['an earlier event of the same run', { name: 'discovered', eventId: 'r1/9' }, {}, 'dropped'],
    [
      "another run's end",
      { name: 'discovering', runId: 'r2', eventId: 'r2/2' },
      { event: 'succeed', eventId: 'r1/9' },
      'dropped',
    ],
    [
      'an end after an operator moved the node',
      { name: 'maintenance' },
      { event: 'succeed', eventId: 'r1/9' },
      'dropped',
    ],
    ['a discovery of a held node', { name: 'maintenance' }, {}, 'dropped'],
  ])('%s changes nothing', (_name, state, event, expected) => {
    expect(move(state, event).kind).toBe(expected);
  });
});
