import type { Mac } from '../net/mac.ts';
import type { BootTarget } from './target.ts';

/** What a script needs besides its target. Nothing in it is secret: scripts are public. */
export interface ScriptContext {
  /** Southbound base URL, without a trailing slash. */
  readonly url: string;
  readonly mac: Mac;
  readonly uuid?: string;
  readonly nodeName: string;
  /** The boot that this script begins; none where nothing is booted. */
  readonly bootId?: string;
  readonly kernelArgs: string;
}

/**
 * After so many failed tries the firmware goes on to its next boot device. Pauses grow by a second each: a server that
 * is started again costs seconds, one that is away has 5 minutes to come back, and a rack of failing machines does not
 * storm it.
 */
const tries = 24;

/** Where a machine's script is to be had; `url` is the southbound base URL. */
export function scriptUrl(url: string, machine: { readonly mac: Mac; readonly uuid?: string }): string {
  const uuid = machine.uuid === undefined ? '' : `&uuid=${machine.uuid}`;
  return `${url}/boot/script?mac=${machine.mac}${uuid}`;
}

/**
 * The iPXE script of a target. Each step that can fail reports its error: the timeline then says what the screen in the
 * rack said. Then the script is asked for anew, since what the machine boots, and its boot, may have changed meanwhile;
 * without that a server that stops while a ramdisk is fetched would leave the machine without a bootable device.
 */
export function renderScript(target: BootTarget, context: ScriptContext): string {
  return target.kind === 'nothing' ? nothingScript(target.reason, context) : discoveryScript(target, context);
}

function nothingScript(reason: string, { nodeName }: ScriptContext): string {
  return lines(`echo Rackwright: nothing to boot for ${echoable(nodeName)}: ${echoable(reason)}`, 'exit');
}

function discoveryScript(target: BootTarget & { kind: 'discovery' }, context: ScriptContext): string {
  const { url, bootId = '' } = context;
  // A UEFI kernel takes its ramdisks by these names, in this order; BIOS kernels ignore them and take all.
  const args = ['initrd=initrd.img', 'initrd=identity.cpio', `BOOTIF=01-${context.mac.replaceAll(':', '-')}`];
  const more = [context.kernelArgs, target.kernelArgs].filter((text) => text !== undefined && text !== '');
  return lines(
    `echo Rackwright: ${echoable(context.nodeName)} boots the discovery system, because ${echoable(target.reason)}`,
    'set step kernel',
    `kernel ${url}/files/microkernel/vmlinuz ${[...args, ...more].join(' ')} || goto failed`,
    'set step ramdisk',
    `initrd --name initrd.img ${url}/files/microkernel/initrd.img || goto failed`,
    'set step identity',
    `initrd --name identity.cpio ${url}/boot/${bootId}/identity.cpio || goto failed`,
    'set step boot',
    'boot || goto failed',
    ':failed',
    `imgfetch --name report ${url}/boot/${bootId}/failed?step=\${step}&error=\${errno} ||`,
    'imgfree',
    'inc tries',
    // A kernel that does not start once does not start the next time.
    'iseq ${step} boot && goto over ||',
    `iseq \${tries} ${tries} && goto over ||`,
    'echo Rackwright: ${step} failed; trying again in ${tries} s',
    'sleep ${tries}',
    'set step script',
    `chain --replace --autofree ${scriptUrl(url, context)} || goto failed`,
    ':over',
    'echo Rackwright: ${step} failed; going on to the next boot device in 10 s',
    'sleep 10',
    'exit 1',
  );
}

function lines(...body: string[]): string {
  return ['#!ipxe', ...body, ''].join('\n');
}

/** Text for iPXE's `echo`: nothing that its parser would expand or end a line at. */
function echoable(text: string): string {
  return text.replace(/[^\w .,:;()/+-]/g, '?').slice(0, 200);
}
