import { isIP } from 'node:net';
import type { Hop } from '../../core/hop.ts';
import { usageError } from '../../core/errors.ts';
import { quote } from '../../syntax/text.ts';
import type { ServiceName } from './tokens.ts';

/** Name of the setting. */
export const spnName = 'spn';

const form = /^([A-Za-z][A-Za-z0-9_-]*)\/([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)$/;

/**
 * Checks the value of `spn`: `HTTP/proxy.corp.example`, without a realm, which the system knows.
 * @throws {TunlError} usage
 */
export function parseSpn(value: string): string {
  if (form.test(value)) return value;
  throw usageError(`${quote(value)} is not the name of a service`, 'write HTTP/proxy.corp.example');
}

/**
 * Returns the name of a hop in Kerberos: the one that was set, or `HTTP/` and its host as it is written. Undefined for
 * an address or a socket without a name that was set.
 */
export function readServiceName({ address, settings }: Hop): ServiceName | undefined {
  const [, service, host] = form.exec(settings[spnName] ?? '') ?? [];
  if (service !== undefined && host !== undefined) return { service, host };
  if (address.kind === 'unix' || isIP(address.host) !== 0) return undefined;
  // The dot that ends a full name is no part of it.
  return { service: 'HTTP', host: address.host.replace(/\.$/, '') };
}
