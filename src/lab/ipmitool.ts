import { bmcLogin } from './identity.ts';

/**
 * An ipmitool command line for a simulated BMC. Cipher suite 3, because ipmi_sim does not answer the question which
 * suites it has, and ipmitool waits 10 s for that answer.
 */
export function ipmitool(address: string, ...command: readonly string[]): string[] {
  const login = ['-U', bmcLogin.user, '-P', bmcLogin.password];
  return ['ipmitool', '-I', 'lanplus', '-C', '3', '-N', '2', '-R', '3', '-H', address, ...login, ...command];
}
