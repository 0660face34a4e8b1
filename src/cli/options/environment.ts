import { formatAddress, type TcpAddress } from '../../core/address.ts';
import { usageError } from '../../core/errors.ts';
import { hasControl, quote } from '../../syntax/text.ts';
import { redact } from '../../syntax/hop-url.ts';
import { parseNoProxy } from './no-proxy.ts';

/** The environment of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment decides for one target. */
export interface Decision {
  /** Absent: the target is reached without a proxy. */
  readonly proxy?: EnvironmentProxy;
  /** The rule that decided, in words without secrets. */
  readonly reason: string;
  /** Entries of NO_PROXY that were ignored, each with the reason. */
  readonly ignored: readonly string[];
}

/** A proxy that a variable names. */
export interface EnvironmentProxy {
  readonly variable: string;
  /** As `-x` would take it. */
  readonly url: string;
}

/**
 * The variables in the order in which curl asks them about `https://HOST:PORT`, and one of ours:
 * machines that set `http_proxy` alone have one proxy for everything. HTTP_PROXY is never asked: in
 * a CGI program the other side sets it.
 */
const proxyVariables = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY', 'http_proxy'] as const;
const exceptionVariables = ['no_proxy', 'NO_PROXY'] as const;

/**
 * Decides as curl does for `https://HOST:PORT`. As there, an empty variable is one that is not set,
 * and a list of exceptions is asked before any proxy.
 * @throws {TunlError} usage, when the variable that decides holds a control character
 */
export function decideProxy(env: Environment, target: TcpAddress): Decision {
  const where = formatAddress(target);
  const variable = proxyVariables.find((name) => env[name]);
  if (variable === undefined) return { reason: `${where}: no proxy, as no proxy variable is set`, ignored: [] };
  const { match, from, ignored } = findException(env, target);
  if (match !== undefined) return { reason: `${where}: no proxy, as ${from} has ${quote(match)}`, ignored };
  const url = completeUrl(env[variable] as string);
  if (hasControl(url)) throw usageError(`${variable} holds a control character`);
  return { proxy: { variable, url }, reason: `${where}: ${variable} says ${redact(url)}`, ignored };
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

/** The value as `-x` takes it: curl needs neither a scheme nor a port, and passes over a path. */
function completeUrl(value: string): string {
  // A path is passed over, but for that of a socket.
  if (/^(?:[^/?#@]*:\/\/)?(?:[^/?#]*@)?unix:(?!\d)/i.test(value)) return value;
  const url = /^[^/?#@]*:\/\//.test(value) ? value : `http://${value}`;
  const [, front = '', path = '', rest = ''] = /^([^:]*:\/\/[^/?#]*)([^?#]*)(.*)$/s.exec(url) ?? [];
  // With an @ in it, it is no path but a piece of a password that was not encoded.
  return path.includes('@') ? url : front + rest;
}
