import type { ObmFailure } from './driver.ts';

/** What ipmitool's words mean. `cipher`: the BMC does not know the cipher suite, so another may be tried. */
export interface IpmiError {
  readonly reason: ObmFailure | 'cipher';
  readonly message: string;
}

/**
 * ipmitool has one exit code for everything, so its words are all there is. The first row that matches counts. The words
 * of RMCP+ status codes are those of IPMI 2.0, table 13-15; completion codes those of table 5-2. Seen with ipmitool
 * 1.8.18 and 1.8.19, which write the telling line only with `-v`.
 */
const table: readonly { readonly pattern: RegExp; readonly error: IpmiError }[] = [
  {
    pattern:
      /invalid (authentication|integrity|confidentiality) algorithm|no (matching )?cipher suite|Unsupported cipher suite|unable to determine the cipher suite/i,
    error: {
      reason: 'cipher',
      message: 'the BMC does not accept this cipher suite: set cipherSuite to one that it has',
    },
  },
  {
    pattern: /unauthorized name|invalid user ?name|unauthorized GUID/i,
    error: { reason: 'auth', message: 'the BMC does not know this user, or the user may not log in over LAN' },
  },
  {
    pattern:
      /RAKP [24] HMAC is invalid|RAKP 2 message has invalid (hmac|key)|invalid integrity check value|password.*(invalid|incorrect)/i,
    error: { reason: 'auth', message: 'the BMC refuses the password' },
  },
  {
    pattern: /unauthorized role or privilege|insufficient privilege|privilege level.*(exceed|insufficient|cannot)/i,
    error: { reason: 'auth', message: 'the user has too few privileges on the BMC: it needs ADMINISTRATOR' },
  },
  {
    pattern: /insufficient resources for (a )?session|no (free )?session slot/i,
    error: {
      reason: 'refused',
      message: 'all sessions of the BMC are in use: close other consoles, or restart the BMC',
    },
  },
  {
    pattern: /Address lookup for .* failed|Temporary failure in name resolution|Name or service not known/i,
    error: { reason: 'unreachable', message: 'the name of the BMC cannot be resolved: check DNS, or use its address' },
  },
  {
    pattern: /not supported in present state/i,
    error: { reason: 'refused', message: 'the BMC says that this cannot be done in the present power state' },
  },
  {
    pattern: /Invalid command|Invalid data field|Command not supported|Parameter (out of range|not supported)/i,
    error: { reason: 'refused', message: 'the BMC does not support this command' },
  },
  {
    pattern: /Node busy|BMC initialization in progress|firmware update mode/i,
    error: { reason: 'refused', message: 'the BMC is busy (starting, or in a firmware update): try again later' },
  },
  {
    pattern:
      /Get Auth Capabilities error|Get Channel Authentication Capabilities|Could not open socket|No route to host|Network is unreachable|Connection refused|Unable to establish (LAN|IPMI)/i,
    error: {
      reason: 'unreachable',
      message: 'the BMC does not answer IPMI over LAN: check its address and cable, and that IPMI over LAN is enabled',
    },
  },
];

/** What `-v` writes of its own probing, whether or not the command then works. */
const chatter =
  /^(Loading IANA|Running Get |Invalid completion code received|Discovered IPMB|Discovered Target|Interface address)/;

/** Reads what a failed ipmitool wrote. */
export function readIpmiError(stderr: string): IpmiError {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !chatter.test(line));
  const row = table.find(({ pattern }) => lines.some((line) => pattern.test(line)));
  return (
    row?.error ?? { reason: 'refused', message: `ipmitool failed: ${(lines[0] ?? 'it gave no reason').slice(0, 200)}` }
  );
}
