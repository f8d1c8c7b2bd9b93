/** UUIDs that firmware has when nobody gave it one: whole series of boards share these. Lower case. */
const placeholders = new Set([
  '03000200-0400-0500-0006-000700080009',
  '00020003-0004-0005-0006-000700080009',
  '12345678-1234-5678-90ab-cddeefaabbcc',
  '11111111-2222-3333-4444-555555555555',
  '12345678-1234-1234-1234-123456789abc',
  '01234567-89ab-cdef-0123-456789abcdef',
  'deadbeef-dead-beef-dead-beefdeadbeef',
  'fefefefe-fefe-fefe-fefe-fefefefefefe',
]);

/** Whether a UUID can tell one machine from another: well-formed, no placeholder, not one repeated digit. */
export function isRealUuid(uuid: string): boolean {
  const lower = uuid.toLowerCase();
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(lower)) return false;
  return !placeholders.has(lower) && new Set(lower.replaceAll('-', '')).size > 1;
}
