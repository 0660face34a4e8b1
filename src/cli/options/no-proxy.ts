import { BlockList, isIP } from 'node:net';
import type { TcpAddress } from '../../core/address.ts';
import { toAsciiName } from '../../syntax/host.ts';

/** A valid entry of NO_PROXY. */
export interface NoProxyEntry {
  /** The entry as it was written. */
  readonly text: string;
  readonly matches: (target: TcpAddress) => boolean;
}

/** An entry that is ignored, with the reason. */
export interface IgnoredEntry {
  readonly text: string;
  readonly why: string;
}

/** The list of targets that are reached without a proxy. */
export interface NoProxy {
  readonly entries: readonly NoProxyEntry[];
  readonly ignored: readonly IgnoredEntry[];
}

type HostTest = (host: string) => boolean;

/** The name of a target; one leading and one trailing dot are ignored. */
const domain = /^\.?((?:[\w~\u0080-\u{10ffff}-]+\.)*[\w~\u0080-\u{10ffff}-]+)\.?$/u;
const numericLast = /(?:^|\.)\d+$/;
/** Octets followed by stars (`10.*`, `10.0.*.*`), or fewer than four octets with a prefix length (`169.254/16`). */
const shortRange = /^((?=(?:[^.]+\.){1,3}\*$)\d+(?:\.\d+)*(?:\.\*)+|\d+(?:\.\d+){0,2}(?=\/))(?:\/(\d{1,3}))?$/;

/**
 * Parses the value of NO_PROXY as curl does: `*` alone matches every target; otherwise commas or blanks separate
 * entries, each of which is a name (it also matches the names below it), an address, or a range such as `10.0.0.0/8`.
 * As in other programs, these are accepted too: line ends between entries, `*.corp` for `.corp`, `10.*` and `169.254/16`
 * for ranges, `[::1]`, `<local>` for every name without a dot, and any of these with a port: `db.corp:5432`, `[::1]:22`.
 */
export function parseNoProxy(value: string): NoProxy {
  if (/^[\r\n]*\*[\r\n]*$/.test(value)) return { entries: [{ text: '*', matches: () => true }], ignored: [] };
  const entries: NoProxyEntry[] = [];
  const ignored: IgnoredEntry[] = [];
  for (const text of value.split(/[,\s]+/).filter((word) => word !== '')) {
    const parsed = parseEntry(text);
    if (typeof parsed === 'string') ignored.push({ text, why: parsed });
    else entries.push({ text, matches: parsed });
  }
  return { entries, ignored };
}

/** Parses an entry. Returns the reason if the entry is not valid. */
function parseEntry(text: string): NoProxyEntry['matches'] | string {
  if (text === '*') return '* means every target only where it is the whole list';
  if (text.includes('://')) return 'an entry is a name or an address, not a URL';
  const [, host = text, port] = isIP(text) === 0 ? (/^(.+):([^:\]/]*)$/.exec(text) ?? []) : [];
  if (port === undefined) return parseHostEntry(text);
  if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65535) return 'a port is a number from 1 to 65535';
  const test = parseHostEntry(host);
  return typeof test === 'string' ? test : (target) => target.port === Number(port) && test(target);
}

function parseHostEntry(text: string): NoProxyEntry['matches'] | string {
  const test = parseHost(spellOut(text));
  return typeof test === 'string' ? test : ({ host }) => test(host);
}

/** Removes brackets, and writes out the short forms of IPv4 ranges that are unambiguous: `10.*`, `169.254/16`. */
function spellOut(text: string): string {
  const [, parts, bits] = shortRange.exec(text) ?? [];
  if (parts === undefined) return text.replace(/^\[(.*:.*)\](?=\/|$)/, '$1');
  const given = parts.split('.').filter((part) => part !== '*');
  const network = [...given, '0', '0', '0'].slice(0, 4).join('.');
  return `${network}/${bits ?? 8 * given.length}`;
}

function parseHost(text: string): HostTest | string {
  if (text.includes('/')) return parseRange(text);
  if (isIP(text) > 0) return parseRange(`${text}/0`);
  return text.toLowerCase() === '<local>' ? isLocalName : parseName(text);
}

function isLocalName(host: string): boolean {
  return isIP(host) === 0 && !host.includes('.');
}

function parseRange(text: string): HostTest | string {
  const [network = '', bits = '', ...more] = text.split('/');
  const family = isIP(network);
  if (family === 0 || more.length > 0) return 'a range is written as 10.0.0.0/8 or fd00::/8';
  const width = family === 4 ? 32 : 128;
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > width) return `the number after / is at most ${width}`;
  const list = new BlockList();
  // As in curl, a prefix length of 0 means the address itself; only * matches every target.
  list.addSubnet(network, Number(bits) || width, `ipv${family as 4 | 6}`);
  // BlockList matches ::ffff:10.0.0.1 with 10.0.0.0/8; curl does not.
  return (host) => isIP(host) === family && list.check(host, `ipv${family as 4 | 6}`);
}

function parseName(text: string): HostTest | string {
  const [, written] = domain.exec(text.replace(/^\*(?=\.)/, '')) ?? [];
  if (written === undefined && text.includes('*')) return 'a star stands for whole parts: *.example.com, 10.*';
  if (written === undefined) return 'it is neither a name nor an address';
  if (numericLast.test(written)) return 'it is not a complete address; a range is written as 10.0.0.0/8';
  const name = toName(written);
  if (name === undefined) return 'it is neither a name nor an address';
  return (host) => isIP(host) === 0 && (host === name || host.endsWith(`.${name}`));
}

function toName(written: string): string | undefined {
  try {
    return toAsciiName(written).toLowerCase();
  } catch {
    return undefined;
  }
}
