import { isAfter } from '../progress.ts';
import { type Cause, evidenceOf, isQuiet, silenceOf, type View } from './verdict.ts';

/** The script was fetched, and its kernel or ramdisk did not arrive or did not start. */
export const kernelFailed: Cause = {
  cause: 'kernel-failed',
  title: 'It fetched its script, but the kernel failed',
  judge(view) {
    const { progress } = view;
    const { script, session, kernel, ramdisk, loaderReport, fileFailed } = progress;
    if (!script || session || script.data.target === 'nothing') return undefined;
    // Without its identity the kernel is not started either, but that is another cause.
    const report = isAfter(loaderReport, script) && loaderReport?.data.step !== 'identity' ? loaderReport : undefined;
    // The loader tries again with a new script. What is not there is not there for that one either.
    const failed = isAfter(fileFailed, script) || fileFailed?.data.status === 404 ? fileFailed : undefined;
    const evidence = evidenceOf(script, kernel, ramdisk, failed, report);
    if (failed?.data.status === 404) {
      return {
        confidence: 0.97,
        outcome: 'stopped',
        why: `This server does not have the file that the script names: ${pathOf(failed.data.path)}.`,
        evidence,
        nextCheck:
          'build the discovery system with `make microkernel`, and see that `microkernel.dir` names its directory',
      };
    }
    if (failed) {
      return {
        confidence: 0.93,
        outcome: 'stopped',
        why: `The transfer of ${pathOf(failed.data.path)} broke off.`,
        evidence,
        nextCheck:
          'fetch the same file from another machine on that network and compare the speed; look at the errors of the switch port',
      };
    }
    if (report) {
      return {
        confidence: 0.95,
        outcome: 'stopped',
        why: `The boot loader failed at its step '${pathOf(report.data.step)}'.`,
        evidence,
        nextCheck: `look the error up: https://ipxe.org/${pathOf(report.data.error)}; at the step 'boot' the kernel is not for this machine, or Secure Boot refuses it`,
      };
    }
    return stalled(view, evidence);
  },
};

function stalled(view: View, evidence: ReturnType<typeof evidenceOf>): ReturnType<Cause['judge']> {
  const { reached, kernel, ramdisk } = view.progress;
  const waits = reached === 'script' || (reached === 'kernel' && !ramdisk);
  if (!waits || !isQuiet(view)) return undefined;
  return {
    confidence: 0.85,
    outcome: 'stopped',
    why: kernel
      ? 'The kernel arrived, the ramdisk did not.'
      : 'It has its script, and the kernel that the script names was never fetched.',
    evidence: [...evidence, silenceOf(view)],
    nextCheck: 'look at its screen: iPXE shows the URL that it is fetching, and its error',
  };
}

function pathOf(value: unknown): string {
  return typeof value === 'string' ? value : '?';
}
