/** What a run wants its node to boot. Each kind is a row of `boot/target.ts`. */
export interface BootProfile {
  readonly kind: 'discovery';
  /** Appended to the kernel's command line. Never secrets: serial logs show the line. */
  readonly kernelArgs?: string;
}
