import { usageError } from '../../core/errors.ts';
import { isHost } from '../../http/wire/request-target.ts';
import { assertSubstitution, parsePattern } from './pattern.ts';
import { quote } from '../../syntax/text.ts';
import type { Redirect, Rewrite } from './http.ts';

/**
 * Checks that what a route makes of its requests can be written into them.
 * @throws {TunlError} usage
 */
export function assertRewrite({ host, prefix, pattern }: Rewrite): void {
  if (host !== undefined && (host === '' || !isHost(host))) throw usageError(`${quote(host)} is not a host`);
  for (const text of [prefix, pattern?.substitution]) {
    if (text !== undefined && !/^[\x21-\x7e]*$/.test(text)) {
      throw usageError(`${quote(text)} cannot be part of a path`, 'write other characters as %XX');
    }
  }
  if (pattern) assertSubstitution(pattern.substitution, parsePattern(pattern.regex));
}

/**
 * Checks that the address that a redirect makes can be written.
 * @throws {TunlError} usage
 */
export function assertRedirect({ scheme, host, port, path, prefix }: Redirect): void {
  if (scheme !== undefined && !/^[a-z][a-z\d+.-]*$/i.test(scheme))
    throw usageError(`${quote(scheme)} is not a scheme`, 'write http or https');
  if (port !== undefined && (port < 1 || port > 65535)) throw usageError(`${port} is not a port from 1 to 65535`);
  if (path !== undefined && prefix !== undefined) throw usageError('a redirect has path or prefix, not both');
  assertRewrite({ ...(host !== undefined && { host }) });
  for (const text of [path, prefix]) if (text !== undefined) assertRewrite({ prefix: text });
}
