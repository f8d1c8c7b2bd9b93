/**
 * Debian has no BIOS boot ROM that is not iPXE, and a server must not only be tried with clients that are half way up
 * its chain. So the frames that a node's ROM sends are rewritten on its tap: user class "iPXE" (option 77) and the
 * iPXE option 175 become pad bytes (option 0, RFC 2132 section 3.1). Once the node has asked for a file by TFTP it is
 * loading the real iPXE, and the rewriting stops until the mask is armed again.
 *
 * The offsets belong to the exact set of options that Debian's ROM (ipxe-qemu 1.0.0+git-20190125) sends. Where another
 * ROM is installed nothing matches and the node shows itself as the iPXE that it is.
 */
export interface RomMask {
  /** nftables table of this node. */
  readonly table: string;
  /** Input of `nft -f -` that installs the mask, armed. */
  readonly ruleset: string;
  /** Input of `nft -f -` that arms it again, before a power-on or after a reset. */
  readonly arm: string;
}

/** Option 77: code, length 4, "iPXE": 6 bytes at byte 298 of the UDP datagram. Matching it guards all the rest. */
const userClass = { bit: 298 * 8, bits: 48, value: '0x4d0469505845' };

/** Option 175: 50 bytes at byte 329, blanked in pieces because nftables sets at most 128 bits at once. */
const encapsulated = { bit: 329 * 8, bits: 16, value: '0xaf30', pieces: [128, 128, 128, 16] };

export function romMask(node: number, tap: string): RomMask {
  const table = `mask${node}`;
  let bit = encapsulated.bit;
  const blank = encapsulated.pieces.map((bits) => {
    const set = `@th,${bit},${bits} set 0`;
    bit += bits;
    return set;
  });
  // A UDP checksum of 0 means "not computed" (RFC 768): the datagram stays valid.
  const ruleset = `table netdev ${table} {
  set chained { type ether_addr; flags dynamic; size 16; }
  chain ingress {
    type filter hook ingress device "${tap}" priority 0; policy accept;
    ether saddr @chained accept
    udp dport 69 add @chained { ether saddr } accept
    udp dport 67 @th,${userClass.bit},${userClass.bits} ${userClass.value} @th,${userClass.bit},${userClass.bits} set 0 udp checksum set 0 goto blank175
  }
  chain blank175 {
    @th,${encapsulated.bit},${encapsulated.bits} ${encapsulated.value} ${blank.join(' ')} accept
  }
}
`;
  return { table, ruleset, arm: `flush set netdev ${table} chained\n` };
}
