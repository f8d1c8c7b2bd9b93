import { InputError } from '../../src/errors.ts';
import { parseLabName, parseNodeKinds } from '../../src/lab/options.ts';
import { labPaths } from '../../src/lab/state.ts';

describe('lab options', () => {
  it('reads a list of kinds', () => {
    expect(parseNodeKinds('bios, uefi,bios-ipxe')).toEqual(['bios', 'uefi', 'bios-ipxe']);
  });

  it.each(['', 'bios,', 'efi', 'bios uefi', Array.from({ length: 201 }, () => 'bios').join(',')])(
    'refuses the kinds %j',
    (text) => {
      expect(() => parseNodeKinds(text)).toThrow(InputError);
    },
  );

  it.each(['', '../etc', 'A', '-x', 'a'.repeat(21), 'a b'])('refuses the name %j', (text) => {
    expect(() => parseLabName(text)).toThrow(InputError);
  });

  it('keeps every socket’s path short enough, whatever the name', () => {
    const paths = labPaths(parseLabName('a'.repeat(20)));
    expect(`${paths.dir}/nodes/200/qmp.sock`.length).toBeLessThan(108);
    expect(paths.mongodb.length).toBeLessThan(108);
  });
});
