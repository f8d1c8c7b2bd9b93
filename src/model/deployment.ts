import type { Document } from './document.ts';

/** How a disk is attached and what it is made of, as far as that can be told. */
export type DiskType = 'ssd' | 'hdd' | 'nvme';

/** Which disk a deployment is to be written to. All that are given must hold; none: the machine must have one disk. */
export interface DiskHints {
  /** As the disk tells it; compared without regard to case and to spaces at its ends. */
  readonly serial?: string;
  /** World wide name, with or without `0x`, `naa.` or `eui.` before it. */
  readonly wwn?: string;
  /** Bytes, both included. */
  readonly minBytes?: number;
  readonly maxBytes?: number;
  readonly type?: DiskType;
  /** Where it is plugged in: udev's by-path name (`pci-0000:00:05.0`, `pci-0000:00:06.0-scsi-0:0:1:0`). */
  readonly path?: string;
  /** The kernel's name (`sda`). It may be another disk's at the next boot: last resort. */
  readonly name?: string;
}

/** A disk that was chosen. */
export interface ChosenDisk {
  /** What the disk is known by in every later task: `wwn:...`, else `serial:...`, else `path:...`. */
  readonly id: string;
  /** The kernel's name when it was chosen, without `/dev/`. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly type: DiskType;
  readonly model?: string;
  readonly serial?: string;
  readonly wwn?: string;
  readonly path?: string;
}

/** The image as it was when the deployment began: what was promised is written, whatever becomes of the catalogue. */
export interface DeployedImage {
  readonly name: string;
  /** Of the blob, hexadecimal. */
  readonly sha256: string;
  /** Of the blob. */
  readonly sizeBytes: number;
  readonly format: 'raw' | 'raw.zst' | 'raw.gz' | 'raw.xz';
  /** Unpacked. */
  readonly rawBytes: number;
  readonly cloudInit: boolean;
}

/** An account on the deployed system. */
export interface DeployedUser {
  readonly name: string;
  /** Lines of `authorized_keys`. */
  readonly authorizedKeys: readonly string[];
  /** In the form of crypt(3), sealed. */
  readonly sealedPasswordHash?: string;
}

export interface DeploymentProgress {
  /** `write`, `verify`, ... as the node names it. */
  readonly step: string;
  readonly bytes: number;
  readonly total: number;
  /** When the step began, and when this was told; ISO 8601. */
  readonly since: string;
  readonly at: string;
}

/** What the deployed system said of itself when it called home. */
export interface DeployedSystem {
  readonly hostname: string;
  readonly kernel?: string;
  readonly addresses: readonly string[];
  /** `PRETTY_NAME` of os-release. */
  readonly os?: string;
  readonly machineId?: string;
  /** ISO 8601. */
  readonly at: string;
}

/** One deployment of an image to a node. Its id is its run's. */
export interface Deployment extends Document {
  readonly nodeId: string;
  readonly imageId: string;
  readonly image: DeployedImage;
  readonly hostname: string;
  readonly domain?: string;
  readonly users: readonly DeployedUser[];
  /** cloud-init's user data as the operator gave it, sealed: it holds passwords and keys more often than not. */
  readonly sealedUserData?: string;
  /** Where cloud-init finds its seed: on a partition of the disk, or at the server. */
  readonly seed: 'disk' | 'network';
  readonly diskHints?: DiskHints;
  /** SHA-256 of the token under which the node reaches the deployment, hexadecimal. Unique. */
  readonly tokenHash: string;
  /** The token, for the hand-over to the agent and for the seed. */
  readonly sealedToken: string;
  /** The token opens nothing once this is `ended`. */
  readonly state: 'active' | 'ended';
  readonly progress?: DeploymentProgress;
  readonly system?: DeployedSystem;
}
