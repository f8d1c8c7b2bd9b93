import { isRealUuid } from '../../src/model/uuid.ts';

test.each([
  ['4c414230-0000-4000-8000-000000000001', true],
  ['00000000-0000-0000-0000-000000000000', false],
  ['FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF', false],
  ['03000200-0400-0500-0006-000700080009', false],
  ['not a uuid', false],
  ['', false],
])('UUID %p tells machines apart: %p', (text, tells) => {
  expect(isRealUuid(text)).toBe(tells);
});
