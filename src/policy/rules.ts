import { isIP } from 'node:net';
import { type IpBytes, toBytes } from '../core/ip-bytes.ts';
import { type Address, formatHostPort, type Ip, type TcpAddress } from '../core/address.ts';
import { TunlError, usageError } from '../core/errors.ts';
import { embeddedIn, embeddingRange } from './embedded.ts';
import { isOwn } from './own.ts';
import { type HostPattern, parseHost, parsePorts, type PatternFault, type PortRange, splitRule } from './pattern.ts';
import { isInRange, isWithin, type Range } from './range.ts';
import { isSpecial, isSpecialName } from './special.ts';

const policyFacts = { side: 'client', phase: 'policy' } as const;

/** Some hosts, on some ports. No port ranges: every port. */
export interface Rule {
  readonly host: HostPattern;
  readonly ports: readonly PortRange[];
}

/** What holds for targets that no rule speaks of. */
export type PolicyBase = 'allow-all' | 'deny-special';

export interface PolicyOptions {
  readonly allow: readonly Rule[];
  readonly deny: readonly Rule[];
  readonly base: PolicyBase;
  /** Where this process listens, as bound, asked at each check: dialling there would be a loop. */
  readonly ownAddresses?: () => readonly Address[];
}

/** Who may be reached. Messages name what the client asked for and never what it resolved to. */
export interface Policy {
  /**
   * Judges a target before anything is resolved for it, by its text and its port.
   * @throws {TunlError} http_request_denied when no address could make it allowed
   */
  checkName(target: TcpAddress): void;
  /** Judges one address of a target that `checkName` let pass: why it must not be dialled, if so. */
  checkIp(target: TcpAddress, ip: Ip): TunlError | undefined;
  /**
   * Judges a target that somebody else will resolve: names by their text only, so that ranges say
   * nothing about them, and literals against ranges.
   * @throws {TunlError} http_request_denied or destination_ip_prohibited
   */
  checkText(target: TcpAddress): void;
}

/**
 * Reads `PATTERN[:PORTS]`: `*.example.com:443,22`, `10.0.0.0/8:*`, `localhost:22`, `[::1]:8000-8100`,
 * `2001:db8::/32`, `*`. `*.example.com` covers every name below `example.com` and not that name.
 * @throws {TunlError} usage, quoting the text
 */
export function parseRule(text: string): Rule {
  const parts = unwrap(text, splitRule(text));
  const host = unwrap(text, parseHost(parts.host));
  return { host, ports: parts.ports === undefined ? [] : unwrap(text, parsePorts(parts.ports)) };
}

function unwrap<T extends object>(text: string, outcome: T | PatternFault): T {
  if (!('fault' in outcome)) return outcome;
  throw usageError(`rule ${JSON.stringify(text)}: ${outcome.fault}`, ...(outcome.hint ? [outcome.hint] : []));
}

/**
 * Puts rules together. A deny wins over every allow. With an allow, what none allows is denied;
 * without one, `base` decides. Only an allow that is an address, a range or an exact name opens
 * special addresses.
 */
export function createPolicy({ allow, deny, base, ownAddresses = () => [] }: PolicyOptions): Policy {
  const isUnruled = allow.length === 0 && base === 'allow-all';

  const isDeniedByText = ({ host, port }: TcpAddress) => withPort(deny, port).some((rule) => isAbout(rule, host));
  const isNamed = ({ host, port }: TcpAddress) =>
    withPort(allow, port).some((rule) => rule.host.kind === 'name' && isAbout(rule, host));
  const isWidelyAllowed = ({ host, port }: TcpAddress) =>
    allow.length === 0 || withPort(allow, port).some((rule) => isAbout(rule, host));

  const isAddressAllowed = (target: TcpAddress, bytes: IpBytes) => {
    if (rangesOf(deny, target.port).some((range) => touches(range, bytes))) return false;
    if (isUnruled || isNamed(target) || isOpenedBy(rangesOf(allow, target.port), bytes)) return true;
    return isWidelyAllowed(target) && !isSpecial(bytes);
  };
  const isNameAllowed = (target: TcpAddress) =>
    isUnruled || isNamed(target) || (isWidelyAllowed(target) && !isSpecialName(target.host));

  return {
    checkName(target) {
      const isOpen = isNameAllowed(target) || rangesOf(allow, target.port).length > 0;
      if (isDeniedByText(target) || !isOpen) throw denied(target);
    },

    checkIp(target, ip) {
      const bytes = toBytes(ip.address);
      if (bytes === undefined || !isAddressAllowed(target, bytes)) return prohibited(target);
      // Last, so that a client which may not go there learns nothing about where we listen.
      return isOwn(bytes, target.port, ownAddresses()) ? loop(target) : undefined;
    },

    checkText(target) {
      if (isDeniedByText(target)) throw denied(target);
      if (isLiteral(target.host)) {
        const bytes = toBytes(target.host);
        if (bytes === undefined || !isAddressAllowed(target, bytes)) throw prohibited(target);
      } else if (!isNameAllowed(target)) {
        throw denied(target);
      }
    },
  };
}

/** Also true for what only looks like an address: it must not pass as a name. */
function isLiteral(host: string): boolean {
  return isIP(host) !== 0 || /[:%]/.test(host);
}

function withPort(rules: readonly Rule[], port: number): readonly Rule[] {
  return rules.filter(
    ({ ports }) => ports.length === 0 || ports.some(({ first, last }) => first <= port && port <= last),
  );
}

function rangesOf(rules: readonly Rule[], port: number): readonly Range[] {
  return withPort(rules, port).flatMap(({ host }) => (host.kind === 'range' ? [host.range] : []));
}

function isAbout({ host: pattern }: Rule, host: string): boolean {
  switch (pattern.kind) {
    case 'any':
      return true;
    case 'suffix':
      return host.endsWith(pattern.suffix);
    case 'name':
      return host === pattern.name;
    case 'range':
      return false;
  }
}

/** A deny covers an address that lies in its range or leads into it. */
function touches(range: Range, bytes: IpBytes): boolean {
  return [bytes, ...embeddedIn(bytes)].some((place) => isInRange(place, range));
}

/**
 * An address that embeds IPv4 is opened by what opens all those, or by a range inside its block:
 * 2000::/3 speaks of the IPv6 Internet, not of 2002:7f00:1::, which leads to 127.0.0.1.
 */
function isOpenedBy(ranges: readonly Range[], bytes: IpBytes): boolean {
  const block = embeddingRange(bytes);
  if (block === undefined) return ranges.some((range) => isInRange(bytes, range));
  if (ranges.some((range) => isWithin(range, block) && isInRange(bytes, range))) return true;
  return embeddedIn(bytes).every((place) => ranges.some((range) => isInRange(place, range)));
}

function denied({ host, port }: TcpAddress): TunlError {
  return new TunlError('http_request_denied', `${formatHostPort(host, port)} is not allowed`, policyFacts);
}

function prohibited({ host, port }: TcpAddress): TunlError {
  const message = `the address of ${formatHostPort(host, port)} is not allowed`;
  return new TunlError('destination_ip_prohibited', message, policyFacts);
}

function loop({ host, port }: TcpAddress): TunlError {
  return new TunlError('proxy_loop_detected', `${formatHostPort(host, port)} is this proxy itself`, policyFacts);
}
