/** One project a tier, so that each can be run alone; the folders under test/ mirror src/ (unit) or name the tier. */
const tiers = {
  contract: ['<rootDir>/test/contract/**/*.test.ts'],
  integration: ['<rootDir>/test/integration/**/*.test.ts'],
  peers: ['<rootDir>/test/peers/**/*.test.ts'],
  e2e: ['<rootDir>/test/e2e/**/*.test.ts'],
  chaos: ['<rootDir>/test/chaos/**/*.test.ts'],
  compose: ['<rootDir>/test/compose/**/*.test.ts'],
  tutorial: ['<rootDir>/test/tutorial/**/*.test.ts'],
};
const base = {
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } }],
  },
  modulePathIgnorePatterns: ['<rootDir>/.tools', '<rootDir>/.cache', '<rootDir>/.lab'],
};

export default {
  // Real sockets and child processes on a busy machine; no test measures time.
  testTimeout: 30_000,
  projects: [
    {
      ...base,
      displayName: 'unit',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: Object.keys(tiers).map((tier) => `<rootDir>/test/${tier}/`),
    },
    ...Object.entries(tiers).map(([displayName, testMatch]) => ({ ...base, displayName, testMatch })),
  ],
};
