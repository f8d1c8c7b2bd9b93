/** Why an image, or bytes of one, were not taken: an expected outcome, told to whoever sent them. */
export interface Refusal {
  readonly reason: RefusalReason;
  /** What was wrong and what to do, in one or two sentences. */
  readonly message: string;
}

export type RefusalReason =
  /** It is no disk image, or one that cannot be used. */
  | 'unfit'
  /** The stream broke off, or the bytes are not those that were announced. */
  | 'damaged'
  /** It is larger than is allowed, or unpacks to more. */
  | 'too-large'
  /** The server's disk has no room. */
  | 'no-space'
  /** Another image has this name. */
  | 'name-taken'
  /** Too much is under way already. */
  | 'busy'
  /** An address that does not give the file. */
  | 'source'
  /** The server failed; its log says more. */
  | 'fault';

export interface Refused {
  readonly ok: false;
  readonly refusal: Refusal;
}

export function refused(reason: RefusalReason, message: string): Refused {
  return { ok: false, refusal: { reason, message } };
}
