import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const home = join(import.meta.dirname, '../..');

test.each(['README.md', 'CONTRIBUTING.md', 'docs/architecture.md', 'docs/security.md', 'docs/performance.md', 'docs/decisions/0001-record.md'])(
  '%s names only files that are there',
  (page) => {
    const text = readFileSync(join(home, page), 'utf8');
    const named = [...text.matchAll(/`((?:src|test|docs|microkernel|definitions|scripts)\/[\w./-]*)`/g)].map(([, path = '']) => path);
    const linked = [...text.matchAll(/\]\(((?!https?:)[^)#]+)\)/g)].map(([, path = '']) => join(page, '..', path));
    expect([...named, ...linked].filter((path) => !existsSync(join(home, path)))).toEqual([]);
  },
);
