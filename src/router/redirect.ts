import type { Redirect, RequestMatch } from '../chain/model/http.ts';
import type { Exchange } from '../core/exchange.ts';
import { fieldValues } from '../http/wire/message.ts';

/** The ports that go without saying. */
const usualPorts: Readonly<Record<string, string>> = { http: ':80', https: ':443' };

/**
 * Makes the address that a client is sent to, as Envoy does: that of its request with the changes of a route.
 * @param fits the match of the route, by which a prefix is replaced
 */
export function locate(
  { scheme, host, port, path, prefix, dropsQuery }: Redirect,
  request: Pick<Exchange, 'target' | 'authority' | 'headers' | 'scheme'>,
  fits: RequestMatch['path'],
): string {
  const [told] = fieldValues(request.headers, 'x-forwarded-proto');
  const own = told === 'http' || told === 'https' ? told : request.scheme;
  const place = host ?? withoutPort(request.authority, own, scheme ?? own, port);
  return `${scheme ?? own}://${place}${port === undefined ? '' : `:${port}`}${toPath()}`;

  function toPath(): string {
    const at = request.target.indexOf('?');
    const [plain, query] = at < 0 ? [request.target, ''] : [request.target.slice(0, at), request.target.slice(at)];
    const kept = dropsQuery ? '' : query;
    if (path !== undefined) return path.includes('?') ? path : path + kept;
    if (prefix === undefined) return plain + kept;
    return prefix + (fits.kind === 'prefix' ? plain.slice(fits.value.length) : '') + kept;
  }
}

/** Takes the port off a host if another one follows, or if it was the usual one of a scheme that changes. */
function withoutPort(authority: string, own: string, scheme: string, port: number | undefined): string {
  const [said] = /:\d+$/.exec(authority) ?? [];
  if (said === undefined) return authority;
  const isLeftOut = port !== undefined || (scheme !== own && said === usualPorts[own]);
  return isLeftOut ? authority.slice(0, -said.length) : authority;
}
