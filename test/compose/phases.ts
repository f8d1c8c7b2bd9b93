import { writeFileSync } from 'node:fs';

/** How long each part of a long test took. Nothing is judged by it. */
export interface Phases {
  readonly time: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  /** Writes what was timed as JSON, and gives it as a table. */
  readonly report: (file: string) => string;
}

export function createPhases(): Phases {
  const seconds: Record<string, number> = {};
  return {
    time: async (name, work) => {
      const from = performance.now();
      try {
        return await work();
      } finally {
        seconds[name] = Math.round((performance.now() - from) / 100) / 10;
      }
    },
    report: (file) => {
      writeFileSync(file, `${JSON.stringify(seconds, null, 2)}\n`);
      const total = Object.values(seconds).reduce((sum, value) => sum + value, 0);
      return [...Object.entries(seconds), ['total', total] as const]
        .map(([name, value]) => `${value.toFixed(1).padStart(7)} s  ${name}`)
        .join('\n');
    },
  };
}
