import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitForLine } from '../../src/lab/serial.ts';
import { scratchDirectory } from '../support/socket-path.ts';

describe('serial log', () => {
  const scratch = scratchDirectory();
  const log = join(scratch.path, 'serial.log');
  afterAll(() => {
    scratch.remove();
  });

  it('finds a line that comes later, in pieces, between NULs and carriage returns', async () => {
    writeFileSync(log, 'old: READY\r\n');
    const found = waitForLine(log, /^new: (\w+)\n/m, { from: 12, deadlineMs: 5_000 });
    appendFileSync(log, '\0\0new: RE');
    setTimeout(() => {
      appendFileSync(log, 'ADY\r\n');
    }, 150);
    expect((await found)[1]).toBe('READY');
  });

  it('gives up at once when the kernel did', async () => {
    writeFileSync(log, 'Kernel panic - not syncing: No working init found.\r\n');
    await expect(waitForLine(log, /never/, { from: 0, deadlineMs: 60_000 })).rejects.toMatchObject({
      code: 'kernel-panic',
      message: expect.stringContaining('No working init') as string,
    });
  });

  it('shows the end of the log when the time is over, also where there is no log', async () => {
    writeFileSync(log, 'Booting from ROM...\r\n');
    await expect(waitForLine(log, /never/, { from: 0, deadlineMs: 10 })).rejects.toThrow(/never[^]*Booting from ROM/);
    const none = join(scratch.path, 'none');
    await expect(waitForLine(none, /never/, { from: 0, deadlineMs: 10 })).rejects.toMatchObject({ code: 'deadline' });
  });
});
