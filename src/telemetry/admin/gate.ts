import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/** Who may ask: the names under which a browser may know us. */
export interface GateOptions {
  /** Host names beside IP addresses and `localhost`; in lower case. */
  readonly names: readonly string[];
  /** Any name will do: only who may open a file of this machine comes here. */
  readonly isSocketFile: boolean;
}

/**
 * Why a request is not answered, if so. A page of somebody else's in a browser of this machine must get nothing from us
 * and change nothing:
 * - a name that is made to lead here (DNS rebinding) is no name of ours;
 * - what another site has sent says so in `Origin` or in the fields of Fetch Metadata.
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
  // Following a link from elsewhere to a page shows it to nobody but who follows.
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
