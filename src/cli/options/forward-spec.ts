import type { ForwardSpec, FrontSpec } from '../../app/commands/options.ts';
import type { ListenAddress } from '../../core/address.ts';
import { usageError } from '../../core/errors.ts';
import { quote } from '../../syntax/text.ts';
import { frontKinds } from '../../fronts/index.ts';
import { type FrontText, parseBind, parseFd, parseListenPort, parseUnix, splitFront } from '../../syntax/listen.ts';
import { parseTarget } from '../../syntax/target.ts';

const grammar = 'a SPEC is [BIND:]PORT:HOST:HOSTPORT, :HOST:HOSTPORT, unix:PATH:HOST:HOSTPORT or fd:N:HOST:HOSTPORT';
const frontGrammar = `a front is ${frontKinds.map((kind) => `${kind}:`).join(', ')} with [BIND:]PORT, unix:PATH, fd:N or nothing for a free port`;

/**
 * Parses one SPEC: the grammar of ssh's -L, extended with further kinds of listeners:
 *
 *     8080:db:5432  127.0.0.1:8080:db:5432  *:8080:db:5432  :8080:db:5432  :db:5432 (a free port)
 *     unix:/run/db.sock:db:5432  fd:3:db:5432  8080:unix:/run/db.sock  8080:[2001:db8::1]:80
 *     socks:1080  http:127.0.0.1:3128  any:unix:/run/front.sock  http: (a free port): the clients name the targets
 *
 * @throws {TunlError} usage
 */
export function parseForwardSpec(text: string): ForwardSpec | FrontSpec {
  if (/^[a-z][\w+.-]*:\/\//i.test(text))
    throw usageError(`${quote(text)} is a URL, not a SPEC`, 'a proxy is named by -x');
  const front = splitFront(text, frontKinds);
  if (front) return parseFront(front, text);
  const [left, right] = splitTarget(text);
  return { listen: parseLeft(left, text), target: right.startsWith('unix:') ? parseUnix(right) : parseTarget(right) };
}

function parseFront({ front, address }: FrontText, whole: string): FrontSpec {
  // Three parts outside brackets are an address with a target.
  if (/^(?!unix:)(?:[^:[\]]*|\[[^\]]*\]):.*:/.test(address)) {
    throw usageError(
      `${quote(whole)} has a target, and the clients of ${front}: name theirs`,
      frontGrammar,
      `for one target leave ${front}: out`,
    );
  }
  if (address === 'unix' || address === 'fd') throw usageError(`${quote(whole)} is not a complete SPEC`, frontGrammar);
  return { front, listen: parseLeft(address, whole) };
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
  const message = `${quote(text)} is not a complete SPEC`;
  if (/^\d+$/.test(text))
    return usageError(message, `write ${text}:HOST:HOSTPORT, or socks:${text} for a local SOCKS proxy`);
  if (/^\d+:[^:/]+$/.test(text)) return usageError(message, `write the port of the target too: ${text}:HOSTPORT`);
  if (/^[^:/]+:\d+$/.test(text)) return usageError(message, `for a free local port write ":${text}"`);
  return usageError(message, grammar, frontGrammar);
}
