/** The fields of a qcow2 header that decide whether an image is taken (QEMU, docs/interop/qcow2.txt). All big endian. */
const fields = {
  version: 4,
  backingFileOffset: 8,
  clusterBits: 20,
  virtualSize: 24,
  cryptMethod: 32,
  l1Entries: 36,
  incompatible: 72,
  headerLength: 100,
} as const;

/** Incompatible features by bit: those we take, with QEMU's name; all others are refused. */
const features = { dirty: 0, corrupt: 1, externalData: 2, compressionType: 3, extendedL2: 4 } as const;
const harmless =
  (1n << BigInt(features.dirty)) | (1n << BigInt(features.compressionType)) | (1n << BigInt(features.extendedL2));

export type Qcow2Header =
  { readonly ok: true; readonly virtualBytes: number } | { readonly ok: false; readonly why: string };

/**
 * Whether an image that begins with these bytes (104 are enough) stands alone and is small enough to be converted: it
 * may name no other file, since whoever made it would have us read that one.
 */
export function readQcow2Header(head: Uint8Array, maxVirtualBytes: number): Qcow2Header {
  if (head.length < 104) return refuse('its header is cut off');
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const version = view.getUint32(fields.version);
  if (version !== 2 && version !== 3) return refuse(`its version is ${version}; 2 and 3 are known`);
  if (view.getBigUint64(fields.backingFileOffset) !== 0n) {
    return refuse('it builds on another file (backing file): flatten it with qemu-img convert -O qcow2');
  }
  if (view.getUint32(fields.cryptMethod) !== 0) return refuse('it is encrypted');
  const unfit = version === 3 ? refuseFeatures(view) : undefined;
  return unfit ?? readSize(view, maxVirtualBytes);
}

function refuseFeatures(view: DataView): Qcow2Header | undefined {
  const bits = view.getBigUint64(fields.incompatible);
  const has = (bit: number): boolean => ((bits >> BigInt(bit)) & 1n) === 1n;
  if (has(features.externalData)) return refuse('its data lie in another file (external data file)');
  if (has(features.corrupt)) return refuse('it is marked as corrupt: repair it with qemu-img check -r all');
  if ((bits & ~harmless) !== 0n) return refuse(`it needs features that are not known (${bits.toString(16)})`);
  const headerLength = view.getUint32(fields.headerLength);
  return headerLength < 104 || headerLength % 8 !== 0
    ? refuse(`its header says to have ${headerLength} bytes`)
    : undefined;
}

function readSize(view: DataView, maxVirtualBytes: number): Qcow2Header {
  const clusterBits = view.getUint32(fields.clusterBits);
  if (clusterBits < 9 || clusterBits > 21) return refuse(`its clusters have 2^${clusterBits} bytes`);
  const virtualBytes = Number(view.getBigUint64(fields.virtualSize));
  if (virtualBytes === 0) return refuse('its disk has no bytes');
  if (virtualBytes > maxVirtualBytes) {
    return refuse(`its disk has ${virtualBytes} bytes; at most ${maxVirtualBytes} are taken`);
  }
  // 2^(clusterBits - 3) clusters an L1 entry, half of that with extended L2 entries.
  const needed = virtualBytes / 2 ** (2 * clusterBits - 3);
  const entries = view.getUint32(fields.l1Entries);
  if (entries < Math.ceil(needed)) return refuse('its table is too small for its disk');
  return { ok: true, virtualBytes };
}

function refuse(why: string): Qcow2Header {
  return { ok: false, why };
}
