import { MongoError, MongoNetworkError, MongoServerError, MongoServerSelectionError } from 'mongodb';
import { RackwrightError } from '../../errors.ts';

/** Server error codes (mongodb/mongo, src/mongo/base/error_codes.yml). */
const codes = { authenticationFailed: 18, unauthorized: 13, duplicateKey: 11000 } as const;

/** The URL for messages: without user, password and options, any of which may be secret. */
export function publicUrl(url: string): string {
  return url.replace(/\/\/.*@/s, '//').replace(/\?.*$/s, '');
}

/** Whether a write failed because a unique value is taken. */
export function isDuplicate(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === codes.duplicateKey;
}

/** Says what a fault of MongoDB means for the operator. */
export function faultOf(error: unknown, url: string): RackwrightError {
  const where = `MongoDB at ${publicUrl(url)}`;
  if (isUnreachable(error)) {
    const advice = 'does not answer. Check that it runs, that the URL is right and that no firewall is between';
    return new RackwrightError('store-unreachable', `${where} ${advice}`, { cause: error, retryable: true });
  }
  if (
    error instanceof MongoServerError &&
    (error.code === codes.authenticationFailed || error.code === codes.unauthorized)
  ) {
    return new RackwrightError('store-auth', `${where} refuses our user. Check user, password and roles`, {
      cause: error,
    });
  }
  return new RackwrightError('store', `${where} failed`, { cause: error });
}

/** The server is away, or changing its primary: the same request may succeed later. */
function isUnreachable(error: unknown): boolean {
  if (error instanceof MongoNetworkError || error instanceof MongoServerSelectionError) return true;
  if (!(error instanceof MongoError)) return false;
  return ['RetryableWriteError', 'NetworkError', 'PoolRequestedRetry'].some((label) => error.hasErrorLabel(label));
}
