import { hashToken, newBmcPassword, newToken, tokenMatches } from '../../src/secrets/token.ts';

test('tokens are long, differ, and fit into a URL', () => {
  const tokens = Array.from({ length: 100 }, () => newToken());
  expect(new Set(tokens).size).toBe(100);
  for (const token of tokens) expect(token).toMatch(/^[\w-]{43}$/);
  expect(() => newToken(8)).toThrow('at least 16');
});

test('hashToken is SHA-256 (FIPS 180-2, B.1)', () => {
  expect(hashToken('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

test.each([
  ['a', hashToken('a'), true],
  ['', hashToken(''), true],
  ['a', hashToken('b'), false],
  ['a', '', false],
  ['a', 'a', false],
  ['a', hashToken('a').toUpperCase(), false],
])('tokenMatches(%p, %p) is %p', (token, hash, matches) => {
  expect(tokenMatches(token, hash)).toBe(matches);
});

test('BMC passwords are 16 letters and digits with all three kinds, and differ', () => {
  const passwords = Array.from({ length: 300 }, newBmcPassword);
  expect(new Set(passwords).size).toBe(300);
  for (const password of passwords) {
    expect(password).toMatch(/^[A-Za-z0-9]{16}$/);
    expect(password).toMatch(/[a-z]/);
    expect(password).toMatch(/[A-Z]/);
    expect(password).toMatch(/\d/);
  }
});
