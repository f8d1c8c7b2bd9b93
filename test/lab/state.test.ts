import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { endProcess, identify, isAlive, sendSignal } from '../../src/lab/process-id.ts';
import type { LabPaths } from '../../src/lab/state.ts';
import { claimDirectory, labPaths, noteProcess, notedProcesses, readRecord, writeRecord } from '../../src/lab/state.ts';

describe('state of a lab on disk', () => {
  const paths: LabPaths = labPaths(`rwt-state-${process.pid}`);
  afterEach(() => {
    rmSync(paths.dir, { recursive: true, force: true });
  });

  it('has no record and no processes before there is a lab', () => {
    expect(readRecord(paths)).toBeUndefined();
    expect(notedProcesses(paths)).toEqual([]);
  });

  it('keeps a record, and processes newest first', () => {
    claimDirectory(paths);
    const owner = identify(process.pid)!;
    const record = {
      name: 'x',
      instance: 'i',
      isolation: 'netns' as const,
      owner,
      enter: ['ip', 'netns', 'exec', 'x'],
    };
    writeRecord(paths, record);
    noteProcess(paths, { pid: 10, startTime: '1' }, 'a');
    noteProcess(paths, { pid: 11, startTime: '2' }, 'b');
    appendFileSync(paths.processes, '');
    expect(readRecord(paths)).toEqual(record);
    expect(notedProcesses(paths)).toEqual([
      { pid: 11, startTime: '2' },
      { pid: 10, startTime: '1' },
    ]);
  });

  it('is readable for its owner alone', () => {
    claimDirectory(paths);
    claimDirectory(paths);
    expect(() => {
      mkdirSync(paths.dir);
    }).toThrow(/EEXIST/);
  });
});

describe('identity of a process', () => {
  it('is alive under its own start time only', () => {
    const self = identify(process.pid)!;
    expect(isAlive(self)).toBe(true);
    expect(isAlive({ ...self, startTime: '1' })).toBe(false);
    expect(identify(2 ** 22 + 1)).toBeUndefined();
  });

  it('signals nobody who merely has the number now', async () => {
    const other = { pid: process.pid, startTime: '1' };
    sendSignal(other, 'SIGKILL');
    await endProcess(other, 0);
    expect(isAlive(identify(process.pid)!)).toBe(true);
  });
});
