/** What stands in an answer where a secret was. */
export const hiddenSecret = '[hidden]';

const secretKey = /passw|secret|token|credential|private_?key|product_?key|^community$|^authorization$/i;

/** Whether a value under this key is a secret: never shown, never searched by, sealed before it is stored. */
export function isSecretKey(key: string): boolean {
  return secretKey.test(key);
}

/** A copy in which every value under a secret key, at any depth, is hidden. */
export function hideSecrets(value: unknown): unknown {
  return mapSecrets(value, () => hiddenSecret);
}

/** A copy without the keys that are secret, at any depth: what RackHD's clients expect of OBM settings. */
export function dropSecrets(value: unknown): unknown {
  return mapSecrets(value, () => undefined);
}

function mapSecrets(value: unknown, replace: () => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => mapSecrets(item, replace));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [
    key,
    isSecretKey(key) && inner !== null ? replace() : mapSecrets(inner, replace),
  ]);
  return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined)) as unknown;
}
