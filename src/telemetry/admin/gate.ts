import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/** The host names under which browsers may reach the admin address. */
export interface GateOptions {
  /** Host names beside IP addresses and `localhost`, in lower case. */
  readonly names: readonly string[];
  /** True for a Unix socket, where any name is accepted: its clients could open a file of this machine. */
  readonly isSocketFile: boolean;
}

/**
 * Returns the reason why a request is refused, if it is. Pages of other sites in a browser on this machine must neither
 * read nor change anything here:
 * - a name that was rebound to this address (DNS rebinding) is not one of our names;
 * - requests of other sites carry `Origin` or the fields of Fetch Metadata.
 */
export function findObjection(
  { headers, rawHeaders, method }: Pick<IncomingMessage, 'headers' | 'rawHeaders' | 'method'>,
  options: GateOptions,
): string | undefined {
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
  const host = headers.host ?? '';
  if (hosts.length > 1 || !isOurs(host, options)) return 'ask by the IP address, or by localhost';
  const isRead = method === 'GET' || method === 'HEAD';
  const { origin, 'sec-fetch-site': site = 'none', 'sec-fetch-dest': destination } = headers;
  if (origin !== undefined && origin !== `http://${host}`) return 'the request comes from another site';
  if (site === 'none' || site === 'same-origin') return undefined;
  // A link from another site may open a page: only the user sees it.
  return isRead && destination === 'document' ? undefined : 'the request comes from another site';
}

function isOurs(host: string, { names, isSocketFile }: GateOptions): boolean {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::\d{1,5})?$/i.exec(host) ?? [];
  if (bracketed !== undefined) return isIP(bracketed) === 6;
  if (plain === undefined) return false;
  return (
    isSocketFile || isIP(plain) === 4 || plain.toLowerCase() === 'localhost' || names.includes(plain.toLowerCase())
  );
}
