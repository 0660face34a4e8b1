import { usageError } from '../../core/errors.ts';
import { quote } from '../../syntax/text.ts';

/**
 * Parses a host pattern of a virtual host: `a.example.com`, `a.example.com:8080`, `*.example.com`, `www.*` or `*`.
 * The result is in lower case.
 * @throws {TunlError} usage
 */
export function parseDomain(text: string): string {
  const domain = text.toLowerCase();
  const hint = 'write a host such as a.example.com, a.example.com:8080, *.example.com, www.* or *';
  if (/[\s/?#@\p{Cc}]/u.test(domain)) throw usageError(`${quote(text)} is not a host`, hint);
  if (domain.slice(1, -1).includes('*') || (domain.length > 1 && domain.startsWith('*') && domain.endsWith('*'))) {
    throw usageError(`${quote(text)} has a * that is neither its beginning nor its end`, hint);
  }
  return domain;
}
