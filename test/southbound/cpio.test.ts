import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpioArchive } from '../../src/southbound/cpio.ts';

test('cpio(1) unpacks what we pack', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rw-cpio-'));
  try {
    const archive = cpioArchive([
      { path: 'rackwright/identity.json', text: '{"a":"ü"}\n', mode: 0o600 },
      { path: 'rackwright/empty', text: '', mode: 0o644 },
    ]);
    expect(archive.length % 512).toBe(0);
    execFileSync('cpio', ['-idm', '--quiet'], { cwd: dir, input: archive });
    expect(readFileSync(join(dir, 'rackwright/identity.json'), 'utf8')).toBe('{"a":"ü"}\n');
    expect(statSync(join(dir, 'rackwright/identity.json')).mode & 0o777).toBe(0o600);
    expect(statSync(join(dir, 'rackwright/empty')).size).toBe(0);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
