/** The parts that we use of two packages without types. */

declare module 'dhcp/lib/protocol.js' {
  export interface ParsedMessage {
    readonly op: number;
    readonly xid: number;
    readonly yiaddr: string;
    readonly siaddr: string;
    readonly chaddr: string;
    readonly file: string;
    readonly options: Readonly<Record<number, unknown>>;
  }
  const protocol: { parse(bytes: Buffer): ParsedMessage };
  export default protocol;
}

declare module 'dhcp/lib/options.js' {
  const options: { addOption(code: number, option: { name: string; type: string; attr: string }): void };
  export default options;
}

declare module 'tftp' {
  import type { Readable } from 'node:stream';
  export interface Client {
    createGetStream(path: string): Readable;
  }
  const tftp: {
    createClient(options: {
      host: string;
      port: number;
      retries?: number;
      timeout?: number;
      blockSize?: number;
    }): Client;
  };
  export default tftp;
}
