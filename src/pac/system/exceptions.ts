import { isIP } from 'node:net';
import type { TcpAddress } from '../../core/address.ts';
import { isInPrefix } from '../match/addresses.ts';
import { matchesGlob } from '../match/glob.ts';

/** The targets that the settings of a system reach without a proxy. */
export interface Exceptions {
  /** Returns the entry that a target matches, as it was written; undefined if there is none. */
  find(target: TcpAddress): string | undefined;
}

/** How a system reads the entries of its list. */
export interface ExceptionRules {
  /** True if a name stands for all names below it too, as in KDE. */
  readonly areSuffixes?: boolean;
  /** True if the list names the targets that do use the proxy, and all others are exceptions. */
  readonly isReversed?: boolean;
}

type Test = (target: TcpAddress) => boolean;

/**
 * Reads a list of exceptions: names and addresses with `*` anywhere, `.corp` for all names below it, ranges such as
 * `10.0.0.0/8` or `169.254/16`, `<local>` for names without a dot, and any of these with a port. A scheme in front, such
 * as `https://`, counts only if it is that of tunnels.
 */
export function parseExceptions(entries: readonly string[], rules: ExceptionRules = {}): Exceptions {
  const { isReversed = false, areSuffixes = false } = rules;
  const tests = entries
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .flatMap((entry) => {
      const test = parseEntry(entry, areSuffixes);
      return test ? [{ entry, test }] : [];
    });
  return {
    find: (target) => {
      const entry = tests.find(({ test }) => test(target))?.entry;
      if (!isReversed) return entry;
      return entry === undefined ? 'a list of the only targets that use it' : undefined;
    },
  };
}

function parseEntry(entry: string, areSuffixes: boolean): Test | undefined {
  const [, scheme, rest = ''] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(entry) ?? [];
  if (scheme !== undefined && scheme.toLowerCase() !== 'https') return undefined;
  const lower = rest.toLowerCase();
  if (lower === '<local>') return ({ host }) => isIP(host) === 0 && !host.includes('.');
  if (lower.includes('/')) return parseRange(lower);
  const [, host = lower, port] = isIP(lower) === 0 ? (/^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(lower) ?? []) : [];
  const test = parseHost(host.replace(/^\[(.*)\]$/, '$1'), areSuffixes);
  return port === undefined ? test : (target) => target.port === Number(port) && test(target);
}

function parseHost(host: string, areSuffixes: boolean): Test {
  if (isIP(host) > 0) return (target) => target.host === host;
  const patterns = host.startsWith('.') ? [`*${host}`] : areSuffixes ? [host, `*.${host}`] : [host];
  // GNOME and macOS write `*.corp` for the name itself as well as those below it.
  if (host.startsWith('*.')) patterns.push(host.slice(2));
  return (target) => patterns.some((pattern) => matchesGlob(target.host, pattern));
}

function parseRange(text: string): Test | undefined {
  const [network = '', bits = ''] = text.split('/');
  // macOS leaves out the zeros at the end: 169.254/16.
  const whole = /^\d+(?:\.\d+){0,2}$/.test(network)
    ? [...network.split('.'), '0', '0', '0'].slice(0, 4).join('.')
    : network;
  if (isIP(whole) === 0) return undefined;
  return ({ host }) => isInPrefix(host, `${whole}/${bits}`);
}
