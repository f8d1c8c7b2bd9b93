/** A MAC address as the whole product writes it: six lower-case hexadecimal pairs joined by colons. */
export type Mac = string;

const separated = /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/;
const dotted = /^[0-9a-f]{4}(\.[0-9a-f]{4}){2}$/;
const bare = /^[0-9a-f]{12}$/;

/** Reads a MAC in any of the usual spellings (`AA:BB:..`, `aa-bb-..`, `aabb.ccdd.eeff`, `aabbccddeeff`). */
export function parseMac(text: string): Mac | undefined {
  const lower = text.trim().toLowerCase();
  if (!separated.test(lower) && !dotted.test(lower) && !bare.test(lower)) return undefined;
  return (lower.replace(/[^0-9a-f]/g, '').match(/../g) ?? []).join(':');
}

/** Formats the first six bytes of a hardware address. */
export function macFromBytes(bytes: Uint8Array): Mac {
  return Array.from(bytes.subarray(0, 6), (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** The six bytes of a MAC. */
export function macToBytes(mac: Mac): Uint8Array {
  return Uint8Array.from(mac.split(':'), (pair) => Number.parseInt(pair, 16));
}
