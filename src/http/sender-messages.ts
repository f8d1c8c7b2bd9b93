/** What the server and its senders tell one another. An order to send comes with the connection to send on. */

/** A file's bytes from `start` up to, not including, `end`. */
export interface FileBody {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

export type ToSender =
  ({ readonly kind: 'send'; readonly id: number } & FileBody) | { readonly kind: 'cancel'; readonly id: number };

export type FromSender =
  /** Each second, and when it is ready: bytes that each transfer has sent so far, of those that went on since the last time. */
  | { readonly kind: 'progress'; readonly sent: readonly (readonly [id: number, bytes: number])[] }
  /** The last word about a transfer. `error` where the file, not the client, was the reason. */
  | { readonly kind: 'ended'; readonly id: number; readonly bytes: number; readonly error?: string };
