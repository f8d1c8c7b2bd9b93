const lineFeed = 10;
const carriageReturn = 13;

/** The bytes as mode `netascii` sends them: a line ends in CR LF, a lone CR is CR NUL (RFC 764, as RFC 1350 wants it). */
export function toNetascii(bytes: Uint8Array): Uint8Array {
  const special = bytes.reduce((count, byte) => count + (byte === lineFeed || byte === carriageReturn ? 1 : 0), 0);
  const converted = new Uint8Array(bytes.length + special);
  let length = 0;
  for (const byte of bytes) {
    if (byte === lineFeed) converted[length++] = carriageReturn;
    converted[length++] = byte;
    if (byte === carriageReturn) converted[length++] = 0;
  }
  return converted;
}
