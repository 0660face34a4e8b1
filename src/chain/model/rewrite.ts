import { usageError } from '../../core/errors.ts';
import { isHost } from '../../http/wire/request-target.ts';
import { assertSubstitution, parsePattern } from './pattern.ts';
import { quote } from '../../syntax/text.ts';
import type { Rewrite } from './http.ts';

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
