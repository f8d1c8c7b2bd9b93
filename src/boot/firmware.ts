/**
 * Client system architectures (option 93; IANA "Processor Architecture Types", RFC 4578 section 2.1) and the network
 * boot program that each one is given. A new architecture is a row here.
 */
interface Architecture {
  readonly arch: number;
  readonly name: string;
  readonly firmware: 'bios' | 'uefi';
  /** The client takes a URL instead of a TFTP path (UEFI HTTP Boot). */
  readonly http: boolean;
  /** File in the directory of loaders; none: we have no loader for it. */
  readonly loader?: string;
}

export const architectures: readonly Architecture[] = [
  { arch: 0, name: 'x86 BIOS', firmware: 'bios', http: false, loader: 'undionly.kpxe' },
  { arch: 6, name: 'x86 UEFI', firmware: 'uefi', http: false },
  // RFC 4578 calls 7 "EFI BC" and 9 "EFI x86-64"; firmware sends either for x64, most of it 7.
  { arch: 7, name: 'x64 UEFI', firmware: 'uefi', http: false, loader: 'snponly.efi' },
  { arch: 9, name: 'x64 UEFI', firmware: 'uefi', http: false, loader: 'snponly.efi' },
  { arch: 11, name: 'ARM64 UEFI', firmware: 'uefi', http: false },
  { arch: 15, name: 'x86 UEFI HTTP', firmware: 'uefi', http: true },
  { arch: 16, name: 'x64 UEFI HTTP', firmware: 'uefi', http: true, loader: 'snponly.efi' },
  { arch: 19, name: 'ARM64 UEFI HTTP', firmware: 'uefi', http: true },
];

/** The row of an option 93 number. A client that sends none is an old BIOS ROM (RFC 4578 made the option mandatory). */
export function architectureOf(arch: number | undefined): Architecture | undefined {
  return architectures.find((row) => row.arch === (arch ?? 0));
}
