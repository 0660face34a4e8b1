import { isIPv6 } from 'node:net';
import { firstAddress, formatIp, parseRange, type Range } from '../core/ip.ts';
import { servedNames } from '../syntax/authority.ts';
import { toAsciiName } from '../syntax/host.ts';

/** The hosts to which a rule applies. Names are canonical; a suffix begins with its dot. */
export type HostPattern =
  | { readonly kind: 'any' }
  | { readonly kind: 'suffix'; readonly suffix: string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'range'; readonly range: Range };

/** Ports from `first` to `last`, both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** The reason why a text is not a pattern, with a hint what to write instead. */
export interface PatternFault {
  readonly fault: string;
  readonly hint?: string;
}

/**
 * Splits `PATTERN[:PORTS]`. IPv6 must be in brackets if ports follow; the length of a range may be inside or after the
 * brackets.
 */
export function splitRule(text: string): { readonly host: string; readonly ports?: string } | PatternFault {
  const bracketed = /^\[([^\]]*)\](\/[^:]*)?(?::(.*))?$/s.exec(text);
  if (bracketed) {
    const host = `${bracketed[1]}${bracketed[2] ?? ''}`;
    return host.includes(':') ? cut(host, bracketed[3]) : { fault: 'brackets are for IPv6 addresses' };
  }
  if (isIPv6(text)) return { host: text };
  const range = /^([^/[\]]*:[^/[\]]*\/[^:]*)(?::(.*))?$/s.exec(text);
  if (range) return cut(range[1]!, range[2]);
  const [host = '', ports, ...rest] = text.split(':');
  if (rest.length > 0) return { fault: 'too many colons', hint: 'write IPv6 addresses in brackets: [::1]:22' };
  return cut(host, ports);
}

function cut(host: string, ports: string | undefined): { readonly host: string; readonly ports?: string } {
  return ports === undefined ? { host } : { host, ports };
}

/** Reads the hosts of a rule: `*`, `*.example.com`, `db.internal`, `10.0.0.0/8`, `::1`. */
export function parseHostPattern(text: string): HostPattern | PatternFault {
  if (text === '*') return { kind: 'any' };
  const wildcard = text.startsWith('*.') ? '*.' : '';
  const written = wildcard + toAscii(text.slice(wildcard.length));
  if (/[/:]/.test(written) || isNumeric(written)) return parseAddresses(written);
  const host = written.toLowerCase().replace(/\.$/, '');
  const name = host.slice(wildcard.length);
  if (servedNames.isName(name)) return name === host ? { kind: 'name', name } : { kind: 'suffix', suffix: `.${name}` };
  if (host.includes('*')) return { fault: 'a wildcard stands for whole labels at the front: *.example.com' };
  if (host.startsWith('.')) {
    return { fault: 'not a host, address or range', hint: `write *${host} for what is below it` };
  }
  return { fault: 'not a host, address or range' };
}

/** Reads the ports of a rule: `*`, `443`, `443,22`, `8000-8100`. An empty list covers all ports. */
export function parsePorts(text: string): readonly PortRange[] | PatternFault {
  if (text === '*') return [];
  const ranges: PortRange[] = [];
  for (const part of text.split(',')) {
    const [, first, last = first] = /^([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?$/.exec(part) ?? [];
    const range = { first: Number(first), last: Number(last) };
    if (!(range.first <= range.last && range.last <= 65_535)) {
      return { fault: `${JSON.stringify(part)} is not a port`, hint: 'ports are *, or a list such as 443,8000-8100' };
    }
    ranges.push(range);
  }
  return ranges;
}

function parseAddresses(text: string): HostPattern | PatternFault {
  if (text.includes('%')) return { fault: 'an address with a zone cannot be a rule' };
  const range = parseRange(text);
  if (range === undefined) return { fault: 'not an address or a range', hint: 'a range looks like 10.0.0.0/8' };
  const first = firstAddress(range);
  if (first.some((byte, index) => byte !== range.bytes[index])) {
    return {
      fault: `bits are set after the first ${range.prefix}`,
      hint: `write ${formatIp(first)}/${range.prefix}`,
    };
  }
  return { kind: 'range', range };
}

/** True for a text that libc would read as an IPv4 address; only its plain spelling is accepted here. */
function isNumeric(text: string): boolean {
  const last = text.replace(/\.$/, '').split('.').at(-1)!;
  return /^(?:\d+|0x[\da-f]*)$/i.test(last);
}

/** Converts a name to the form that clients send; an impossible name stays as it is. */
function toAscii(name: string): string {
  try {
    return toAsciiName(name);
  } catch {
    return name;
  }
}
