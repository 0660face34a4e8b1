import type { ForwardSpec } from '../../app/commands/options.ts';
import type { ListenAddress } from '../../core/address.ts';
import { usageError } from '../../core/errors.ts';
import { quote } from '../../syntax/text.ts';
import { parseBind, parseFd, parseListenPort, parseUnix } from '../../syntax/listen.ts';
import { parseTarget } from '../../syntax/target.ts';

const grammar = 'a SPEC is [BIND:]PORT:HOST:HOSTPORT, :HOST:HOSTPORT, unix:PATH:HOST:HOSTPORT or fd:N:HOST:HOSTPORT';

/**
 * Parses one SPEC: the grammar of ssh's -L, extended with further kinds of listeners:
 *
 *     8080:db:5432  127.0.0.1:8080:db:5432  *:8080:db:5432  :8080:db:5432  :db:5432 (a free port)
 *     unix:/run/db.sock:db:5432  fd:3:db:5432  8080:unix:/run/db.sock  8080:[2001:db8::1]:80
 *
 * @throws {TunlError} usage
 */
export function parseForwardSpec(text: string): ForwardSpec {
  const kind = /^(socks|http):/.exec(text)?.[1];
  if (kind !== undefined)
    throw usageError(`${quote(text)}: ${kind} listeners are not supported in this version`, grammar);
  const [left, right] = splitTarget(text);
  return { listen: parseLeft(left, text), target: right.startsWith('unix:') ? parseUnix(right) : parseTarget(right) };
}

/** Splits a SPEC from the right: the target is `unix:PATH`, or the last two parts. */
function splitTarget(text: string): readonly [left: string, right: string] {
  const unixAt = text.indexOf(':unix:', text.startsWith('unix:') ? 'unix'.length : 0);
  if (unixAt >= 0) return [text.slice(0, unixAt), text.slice(unixAt + 1)];
  const [, left, right] = /^(.*):((?:\[[^\]]*\]|[^:[\]]*):[^:]*)$/.exec(text) ?? [];
  if (left === undefined || right === undefined) throw incomplete(text);
  return [left, right];
}

function parseLeft(left: string, whole: string): ListenAddress {
  if (left === 'unix' || left === 'fd') throw incomplete(whole);
  if (left.startsWith('unix:')) return parseUnix(left);
  if (left.startsWith('fd:')) return parseFd(left);
  // Nothing before the first colon, as in `:db:5432`, means any free port.
  if (left === '') return { kind: 'tcp', host: 'localhost', port: 0 };
  const at = left.lastIndexOf(':');
  const host = at < 0 ? 'localhost' : parseBind(left.slice(0, at), whole);
  return { kind: 'tcp', host, port: parseListenPort(left.slice(at + 1), whole) };
}

function incomplete(text: string) {
  const target = /^[^:/]+:\d+$/.test(text) ? [`for a free local port write ":${text}"`] : [];
  return usageError(`${quote(text)} is not a complete SPEC`, ...target, grammar);
}
