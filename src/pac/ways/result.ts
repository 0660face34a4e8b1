import { formatHostPort } from '../../core/address.ts';
import { parseHost, parsePort, sentNames } from '../../syntax/authority.ts';

/** A way that a PAC file or the settings of the system name: a proxy, or none. */
export type NamedWay =
  | { readonly kind: 'direct' }
  | { readonly kind: 'proxy'; readonly scheme: string; readonly host: string; readonly port: number };

/** The longest result that is read, in characters, and the most ways in it. */
const [maxResult, maxWays] = [8192, 64];

/** The words for kinds of proxies, with their schemes and usual ports. As in Chrome, `SOCKS` is SOCKS4. */
const words: Readonly<Record<string, { readonly scheme: string; readonly port: number }>> = {
  PROXY: { scheme: 'http', port: 80 },
  HTTP: { scheme: 'http', port: 80 },
  HTTPS: { scheme: 'https', port: 443 },
  SOCKS: { scheme: 'socks4', port: 1080 },
  SOCKS4: { scheme: 'socks4', port: 1080 },
  SOCKS5: { scheme: 'socks5h', port: 1080 },
};

/**
 * Reads the result of a PAC file, `PROXY a:8080; HTTPS b:443; DIRECT`, in its order. Unknown words and places that cannot
 * be read are skipped, as in browsers; a result without any way means DIRECT.
 */
export function parseResult(result: string): readonly NamedWay[] {
  const ways = result
    .slice(0, maxResult)
    .split(';')
    .slice(0, maxWays)
    .flatMap((part) => readWay(part.trim()) ?? []);
  return ways.length === 0 ? [{ kind: 'direct' }] : ways;
}

function readWay(part: string): NamedWay | undefined {
  const [, name = '', rest = ''] = /^(\S+)(?:\s+(\S+))?$/.exec(part) ?? [];
  const word = name.toUpperCase();
  if (word === 'DIRECT') return { kind: 'direct' };
  const known = Object.hasOwn(words, word) ? words[word] : undefined;
  if (!known || rest === '') return undefined;
  const { scheme, port } = known;
  const place = readPlace(rest, port);
  return place && { kind: 'proxy', scheme, ...place };
}

/** Reads `HOST`, `HOST:PORT` or `[IPV6]:PORT`; undefined if the text is none of them. */
export function readPlace(
  text: string,
  usualPort: number,
): { readonly host: string; readonly port: number } | undefined {
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(text) ?? [];
  try {
    return { host: parseHost(host, sentNames), port: port === undefined ? usualPort : parsePort(port) };
  } catch {
    return undefined;
  }
}

/** Writes a way as a URL, or `direct`. */
export function formatWay(way: NamedWay): string {
  return way.kind === 'direct' ? 'direct' : `${way.scheme}://${formatHostPort(way.host, way.port)}`;
}
