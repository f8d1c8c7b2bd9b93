import type { NodeProgress } from '../../src/lab/progress.ts';
import { createPainter } from '../../src/lab/painter.ts';
import { bootView } from '../../src/lab/screen.ts';

const off: NodeProgress = { number: 2, kind: 'uefi', mac: 'b', reached: {}, catalogs: [] };
const going: NodeProgress = {
  number: 1,
  kind: 'bios-ipxe',
  mac: 'a',
  reached: { power: 0, dhcp: 2100, script: 12_100, kernel: 12_400 },
  catalogs: ['dmi', 'lshw'],
  state: 'discovering',
};
const done: NodeProgress = {
  ...going,
  reached: { ...going.reached, agent: 30_000 },
  state: 'discovered',
  endedAt: 38_200,
};

describe('live screen', () => {
  it('shows seconds since power-on under each step, in 80 columns', () => {
    const lines = bootView.render([going, off], 15_000, 80);
    expect(lines).toEqual([
      'node          power   dhcp loader script kernel  agent cat.  state        time',
      '1 bios-ipxe     0.0    2.1      -   12.1   12.4      .    2  discovering  15.0',
      '2 uefi            .      .      .      .      .      .    0  off',
    ]);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('stops the clock of a node that is done, and says why one failed', () => {
    const failed: NodeProgress = { ...done, number: 2, state: 'failed-discovery', note: 'the agent said nothing' };
    const lines = bootView.render([done, failed], 99_000, 80);
    expect(lines[1]).toMatch(/discovered {3}38\.2$/);
    expect(lines[2]).toMatch(/ failed {7}38\.2$/);
    expect(lines[3]).toBe('  node 2: the agent said nothing');
  });

  it('cuts every line at the width of a narrow terminal', () => {
    for (const line of bootView.render([{ ...going, note: 'x'.repeat(200) }], 15_000, 40)) {
      expect(line.length).toBeLessThanOrEqual(40);
    }
  });

  it('tells what is new, a line each, where nothing can be redrawn', () => {
    expect(bootView.changes(undefined, [going])).toEqual([
      'node 1 bios-ipxe    0.0 s  power',
      'node 1 bios-ipxe    2.1 s  dhcp',
      'node 1 bios-ipxe   12.1 s  script',
      'node 1 bios-ipxe   12.4 s  kernel',
      'node 1 bios-ipxe           catalog dmi',
      'node 1 bios-ipxe           catalog lshw',
      'node 1 bios-ipxe           discovering',
    ]);
    expect(bootView.changes([going], [done])).toEqual([
      'node 1 bios-ipxe   30.0 s  agent',
      'node 1 bios-ipxe   38.2 s  discovered',
    ]);
    expect(bootView.changes([done], [done])).toEqual([]);
  });
});

describe('painter', () => {
  it('draws over what it drew, and leaves what it said', () => {
    let written = '';
    const painter = createPainter({ write: (text) => (written += text), isTTY: true, columns: 80 }, bootView);
    painter.say('networks made');
    painter.paint([going], 15_000);
    painter.paint([done], 40_000);
    expect(written.startsWith('networks made\nnode ')).toBe(true);
    expect(written.split('\x1b[2A\x1b[J')).toHaveLength(2);
  });

  it('appends where there is no terminal', () => {
    let written = '';
    const painter = createPainter({ write: (text) => (written += text) }, bootView);
    painter.paint([off], 0);
    painter.paint([{ ...off, reached: { power: 5 } }], 10);
    painter.paint([{ ...off, reached: { power: 5 } }], 900);
    expect(written).toBe('node 2 uefi         0.0 s  power\n');
  });

  it('appends where there are more nodes than rows: what has scrolled away cannot be drawn over', () => {
    let written = '';
    const painter = createPainter({ write: (text) => (written += text), isTTY: true, columns: 80, rows: 24 }, bootView);
    const many = Array.from({ length: 40 }, (_, index) => ({ ...off, number: index + 1, reached: { power: 0 } }));
    painter.paint(many, 0);
    painter.paint(many, 500);
    expect(written.split('\n')).toHaveLength(41);
    expect(written).not.toContain('\x1b');
  });

  it('hands no control character of a node’s to the terminal', () => {
    for (const isTTY of [true, false]) {
      let written = '';
      const painter = createPainter({ write: (text) => (written += text), isTTY }, bootView);
      painter.paint([{ ...off, note: 'evil\x1b]0;title\x07\x9b2J' }], 0);
      expect(written).toContain('evil ]0;title  2J');
    }
  });
});
