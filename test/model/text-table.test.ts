import { textTable } from '../../src/model/text-table.ts';

test('columns are as wide as their widest cell, and lines end where their text does', () => {
  expect(textTable([['A', 'BBB'], ['aaaa', 'b'], ['a']])).toEqual(['A     BBB', 'aaaa  b', 'a']);
});
