import { pino } from 'pino';

/**
 * Structured log: `log.info({ event: 'dhcp.offer', mac }, 'offered boot')`. Event names are stable; a MAC or node id is
 * always there when one is known.
 */
export type Log = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error' | 'child'>;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Keys whose values never reach the log, at any depth that we write. */
const secretKeys = ['password', 'secret', 'token', 'authorization', 'cookie', 'community'];

/** A log that writes one JSON object a line to standard error. */
export function createLog(level: LogLevel): Log {
  const redact = { paths: secretKeys.flatMap((key) => [key, `*.${key}`]), censor: '[hidden]' };
  return pino({ level, base: null, redact, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
}
