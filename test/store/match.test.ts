import { matches } from '../../src/store/match.ts';
import type { Filter } from '../../src/store/repository.ts';

const document = {
  name: 'n1',
  rank: 5,
  none: null,
  tags: ['a', 'b'],
  empty: [],
  parts: [{ kind: 'disk', sizes: [1, 2] }, { kind: 'nic' }],
  deep: { list: [{ inner: [{ leaf: 'x' }] }] },
};

test.each<[Filter, boolean]>([
  [{}, true],
  [{ name: 'n1', rank: 5 }, true],
  [{ name: 'n1', rank: 6 }, false],
  [{ rank: '5' }, false],
  [{ none: null, missing: null, 'name.x': null }, true],
  [{ name: null }, false],
  [{ tags: 'b' }, true],
  [{ tags: { in: ['x', 'a'] } }, true],
  [{ 'tags.0': 'a' }, true],
  [{ 'tags.1': 'a' }, false],
  [{ empty: null }, false],
  [{ 'parts.kind': 'nic' }, true],
  [{ 'parts.1.kind': 'nic' }, true],
  [{ 'parts.0.kind': 'nic' }, false],
  [{ 'parts.sizes': 2 }, true],
  [{ 'parts.sizes': null }, true],
  [{ 'deep.list.inner.leaf': 'x' }, true],
  [{ rank: { gt: 4, lte: 5 } }, true],
  [{ rank: { gt: 5 } }, false],
  [{ rank: { gte: '' } }, false],
  [{ tags: { gt: 'a', lt: 'b' } }, true],
  [{ constructor: null, __proto__: null }, true],
])('%j: %s', (where, expected) => {
  expect(matches(document, where)).toBe(expected);
});
