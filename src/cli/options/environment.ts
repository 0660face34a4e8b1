import { type Address, formatAddress, type TcpAddress } from '../../core/address.ts';
import { usageError } from '../../core/errors.ts';
import { hasControl, quote } from '../../syntax/text.ts';
import { redact } from '../../syntax/hop-url.ts';
import { parseNoProxy } from './no-proxy.ts';

/** The environment of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The proxy that the environment selects for one target. */
export interface Decision {
  /** Absent if the target is reached without a proxy. */
  readonly proxy?: EnvironmentProxy;
  /** The rule that applied, as a sentence without secrets. */
  readonly reason: string;
  /** True if the list of exceptions has the target. */
  readonly isException: boolean;
  /** Entries of NO_PROXY that were ignored, each with the reason. */
  readonly ignored: readonly string[];
}

/** A proxy that a variable names. */
export interface EnvironmentProxy {
  readonly variable: string;
  /** The URL as `-x` accepts it. */
  readonly url: string;
}

/**
 * The variables in the order in which curl reads them for `https://HOST:PORT`, and then `http_proxy`, which curl does
 * not read here: a machine that sets only this one has one proxy for everything. HTTP_PROXY is never read, because in a
 * CGI program the client sets it.
 */
const proxyVariables = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY', 'http_proxy'] as const;
const exceptionVariables = ['no_proxy', 'NO_PROXY'] as const;

/** Names a target in a sentence. */
export function describeTarget(target: Address | 'any'): string {
  return target === 'any' ? 'targets of clients' : formatAddress(target);
}

/**
 * Selects the proxy that curl would use for `https://HOST:PORT`. As in curl, an empty variable counts as unset, and the
 * list of exceptions takes precedence over every proxy. For `any` target, one that clients will name, it has no effect:
 * it is they who make exceptions.
 * @throws {TunlError} usage, if the variable that applies contains a control character
 */
export function decideProxy(env: Environment, target: TcpAddress | 'any'): Decision {
  const where = describeTarget(target);
  const variable = proxyVariables.find((name) => env[name]);
  const { match, from, ignored } = target === 'any' ? { ignored: [] } : findException(env, target);
  const isException = match !== undefined;
  if (variable === undefined) {
    // Without a proxy nobody asks for exceptions, so nothing is said of them either.
    return { reason: `${where}: no proxy, as no proxy variable is set`, isException, ignored: [] };
  }
  if (isException) return { reason: `${where}: no proxy, as ${from} has ${quote(match)}`, isException, ignored };
  const url = completeUrl(env[variable] as string);
  if (hasControl(url)) throw usageError(`${variable} holds a control character`);
  return { proxy: { variable, url }, reason: `${where}: ${variable} says ${redact(url)}`, isException, ignored };
}

function findException(env: Environment, target: TcpAddress) {
  const from = exceptionVariables.find((name) => env[name]);
  if (from === undefined) return { ignored: [] };
  const { entries, ignored } = parseNoProxy(env[from] as string);
  return {
    from,
    match: entries.find(({ matches }) => matches(target))?.text,
    ignored: ignored.map(({ text, why }) => `${from}: ${quote(redact(text))} is ignored: ${why}`),
  };
}

/** Turns the value into a URL for `-x`: curl requires neither a scheme nor a port, and ignores a path. */
function completeUrl(value: string): string {
  // The path of a PAC file is a part of its name, of which curl knows nothing.
  if (/^pac\+/i.test(value)) return value;
  // curl ignores the path, except that of a socket.
  if (/^(?:[^/?#@]*:\/\/)?(?:[^/?#]*@)?unix:(?!\d)/i.test(value)) return value;
  // In curl socks:// is SOCKS4.
  const named = value.replace(/^socks:\/\//i, 'socks4://');
  const url = /^[^/?#@]*:\/\//.test(named) ? named : `http://${named}`;
  const [, front = '', path = '', rest = ''] = /^([^:]*:\/\/[^/?#]*)([^?#]*)(.*)$/s.exec(url) ?? [];
  // A path with an @ is really a part of a password that was not percent-encoded.
  return path.includes('@') ? url : front + rest;
}
