import type { FieldMatch, HttpRoute, RequestMatch, TextMatch, VirtualHost } from '../chain/model/http.ts';
import { requestError, type TunlError } from '../core/errors.ts';
import { parsePattern } from '../chain/model/pattern.ts';
import type { Exchange } from '../core/exchange.ts';

/** The parts of a request that decide its route. */
export type Routed = Pick<Exchange, 'method' | 'target' | 'authority' | 'headers' | 'scheme'>;

/** The route of a request, with its virtual host. */
export interface FoundRoute {
  readonly host: VirtualHost;
  readonly route: HttpRoute;
}

/** Finds the route of a request. @throws {TunlError} http_request_error with 404 and a hint */
export type FindRoute = (request: Routed) => FoundRoute;

/**
 * Makes a finder of routes that works like Envoy's: it chooses the virtual host with the most exact domain, then its
 * first route that matches. A domain is compared with the whole authority of the request, port included. A CONNECT
 * always has a port, so a domain without one never matches it, unless ports are ignored.
 */
export function createFindRoute(hosts: readonly VirtualHost[], { ignorePort = false } = {}): FindRoute {
  const findHost = createFindHost(hosts);
  return (request) => {
    const authority = request.authority.toLowerCase();
    const host = findHost(ignorePort ? authority.replace(/:\d+$/, '') : authority);
    if (!host) throw noRoute('no virtual host has this domain', hintOfHost(request));
    const route = host.routes.find(({ match }) => fits(match, request));
    if (!route) throw noRoute('no route of the virtual host fits', hintOfRoute(request, host));
    return { host, route };
  };
}

/** Prefers the exact domain, then the longest `*.suffix`, then the longest `prefix.*`, then `*`. */
function createFindHost(hosts: readonly VirtualHost[]): (authority: string) => VirtualHost | undefined {
  const domains = hosts.flatMap((host) => host.domains.map((domain) => [domain.toLowerCase(), host] as const));
  const exact = new Map(domains.filter(([domain]) => domain === '*' || !/^\*|\*$/.test(domain)));
  const longestFirst = (pattern: RegExp) =>
    domains
      .filter(([domain]) => domain !== '*' && pattern.test(domain))
      .map(([domain, host]) => [domain.replace(pattern, ''), host] as const)
      .toSorted(([one], [other]) => other.length - one.length);
  const suffixes = longestFirst(/^\*/);
  const prefixes = longestFirst(/\*$/);
  // The star stands for at least one character.
  const isLonger = (authority: string, part: string) => authority.length > part.length;
  const isEnd = (authority: string) => (part: readonly [string, VirtualHost]) =>
    isLonger(authority, part[0]) && authority.endsWith(part[0]);
  const isStart = (authority: string) => (part: readonly [string, VirtualHost]) =>
    isLonger(authority, part[0]) && authority.startsWith(part[0]);
  return (authority) =>
    exact.get(authority) ??
    suffixes.find(isEnd(authority))?.[1] ??
    prefixes.find(isStart(authority))?.[1] ??
    exact.get('*');
}

function fits({ path, fields }: RequestMatch, request: Routed): boolean {
  const isConnect = request.method === 'CONNECT';
  if ((path.kind === 'connect') !== isConnect) return false;
  if (path.kind !== 'connect') {
    const [plain = ''] = request.target.split('?', 1);
    if (!isLike(plain, path)) return false;
  }
  return fields.every((field) => hasField(field, request));
}

/** The parts of a request that have fields. */
type Asked = { readonly [Part in Exclude<keyof Routed, 'headers'>]: Routed[Part] | undefined } & Pick<
  Routed,
  'headers'
>;

/** True if one of the field's values matches. A missing field does not match, not even an inverted value. */
export function hasField({ name, value, invert = false }: FieldMatch, request: Asked): boolean {
  const values = readValues(name, request);
  if (!value) return values.length > 0 !== invert;
  return values.length > 0 && values.some((text) => isLike(text, value)) !== invert;
}

function readValues(name: string, { method, authority, target, scheme, headers }: Asked): readonly string[] {
  const pseudo = (text: string | undefined) => (text === undefined ? [] : [text]);
  switch (name) {
    case ':method':
      return pseudo(method);
    case ':authority':
    case 'host':
      return pseudo(authority);
    case ':path':
      return method === 'CONNECT' ? [] : pseudo(target);
    case ':scheme':
      return method === 'CONNECT' ? [] : pseudo(scheme);
    default:
      return headers.filter(([field]) => field === name).map(([, text]) => text);
  }
}

/** True if a text is as a condition demands. */
export function isLike(text: string, { kind, value }: TextMatch): boolean {
  switch (kind) {
    case 'exact':
      return text === value;
    case 'prefix':
      return text.startsWith(value);
    case 'suffix':
      return text.endsWith(value);
    case 'contains':
      return text.includes(value);
    case 'regex':
      return parsePattern(value).matches(text);
  }
}

function hintOfHost({ authority }: Routed): string {
  return /:[0-9]+$/.test(authority)
    ? 'a domain is compared with the host and the port of the request: write HOST:PORT, HOST:* or *'
    : 'add the domain to a virtual host, or * for all';
}

/** Hints at a common mistake: a route with a path never matches a CONNECT. */
function hintOfRoute({ method }: Routed, { name, routes }: VirtualHost): string {
  const isTrap = method === 'CONNECT' && !routes.some(({ match }) => match.path.kind === 'connect');
  return isTrap
    ? `virtual host ${name} has only routes with a path, and CONNECT has none: match connect instead`
    : `the routes of virtual host ${name} match other paths or fields`;
}

function noRoute(message: string, hint: string): TunlError {
  return requestError(message, { status: 404, hints: [hint] });
}
