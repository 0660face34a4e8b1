import { isIP } from 'node:net';
import { type IpBytes, isInRange, isWithin, type Range, toBytes } from '../core/ip.ts';
import { type Address, formatHostPort, type Ip, type TcpAddress } from '../core/address.ts';
import { TunlError, usageError } from '../core/errors.ts';
import { embeddedIn, embeddingRange } from './embedded.ts';
import { isOwn } from './own.ts';
import {
  type HostPattern,
  parseHostPattern,
  parsePorts,
  type PatternFault,
  type PortRange,
  splitRule,
} from './pattern.ts';
import { isSpecial, isSpecialName } from './special.ts';

const policyFacts = { side: 'client', phase: 'policy' } as const;

const notDialledHint = 'nothing that a client asks for is dialled here; allow lists what it may ask for';

/** Hosts and ports to allow or deny. An empty list of ports covers all of them. */
export interface Rule {
  readonly host: HostPattern;
  readonly ports: readonly PortRange[];
}

/**
 * The verdict on targets to which no rule applies. `not-dialled` is for targets that are only asked for, because the
 * destination is fixed: rules judge their text, and no address is special.
 */
export type PolicyBase = 'allow-all' | 'deny-special' | 'not-dialled';

/** Options of a policy. */
export interface PolicyOptions {
  readonly allow: readonly Rule[];
  readonly deny: readonly Rule[];
  readonly base: PolicyBase;
  /** Returns the addresses on which this process listens, as bound, for each check: dialling one would be a loop. */
  readonly ownAddresses?: () => readonly Address[];
}

/** Decides which targets may be reached. Messages name the target as requested, and never its addresses. */
export interface Policy {
  /**
   * Judges a target by its name and its port, before it is resolved.
   * @throws {TunlError} http_request_denied, if no address could make it allowed
   */
  checkName(target: TcpAddress): void;
  /** Judges one address of a target that `checkName` has accepted. Returns the reason if it must not be dialled. */
  checkIp(target: TcpAddress, ip: Ip): TunlError | undefined;
  /**
   * Judges a target that another proxy will resolve: names by their text only, so that ranges do not apply to them, and
   * literal addresses by ranges too.
   * @throws {TunlError} http_request_denied or destination_ip_prohibited
   */
  checkText(target: TcpAddress): void;
}

/**
 * Reads `PATTERN[:PORTS]`: `*.example.com:443,22`, `10.0.0.0/8:*`, `localhost:22`, `[::1]:8000-8100`,
 * `2001:db8::/32`, `*`. `*.example.com` covers every name below `example.com` but not that name itself.
 * @throws {TunlError} usage, quoting the text
 */
export function parseRule(text: string): Rule {
  const parts = unwrap(text, splitRule(text));
  const host = unwrap(text, parseHostPattern(parts.host));
  return { host, ports: parts.ports === undefined ? [] : unwrap(text, parsePorts(parts.ports)) };
}

function unwrap<T extends object>(text: string, outcome: T | PatternFault): T {
  if (!('fault' in outcome)) return outcome;
  throw usageError(`rule ${JSON.stringify(text)}: ${outcome.fault}`, ...(outcome.hint ? [outcome.hint] : []));
}

/**
 * Makes a policy of rules. A deny wins over every allow. If there is an allow, targets that no allow covers are denied;
 * if there is none, `base` decides. Special addresses are only opened by an allow of an address, a range or an exact
 * name.
 */
export function createPolicy({ allow, deny, base, ownAddresses = () => [] }: PolicyOptions): Policy {
  const isUnruled = allow.length === 0 && base !== 'deny-special';
  const judgesSpecial = base !== 'not-dialled';

  const isDeniedByText = ({ host, port }: TcpAddress) => withPort(deny, port).some((rule) => isAbout(rule, host));
  const isNamed = ({ host, port }: TcpAddress) =>
    withPort(allow, port).some((rule) => rule.host.kind === 'name' && isAbout(rule, host));
  const isWidelyAllowed = ({ host, port }: TcpAddress) =>
    allow.length === 0 || withPort(allow, port).some((rule) => isAbout(rule, host));

  const isAddressAllowed = (target: TcpAddress, bytes: IpBytes) => {
    if (rangesOf(deny, target.port).some((range) => touches(range, bytes))) return false;
    if (isUnruled || isNamed(target) || isOpenedBy(rangesOf(allow, target.port), bytes)) return true;
    return isWidelyAllowed(target) && !(judgesSpecial && isSpecial(bytes));
  };
  const isNameAllowed = (target: TcpAddress) =>
    isUnruled || isNamed(target) || (isWidelyAllowed(target) && !(judgesSpecial && isSpecialName(target.host)));

  const judgeText = (target: TcpAddress): TunlError | undefined => {
    if (isDeniedByText(target)) return denied(target);
    if (!isLiteral(target.host)) return isNameAllowed(target) ? undefined : denied(target);
    const bytes = toBytes(target.host);
    return bytes === undefined || !isAddressAllowed(target, bytes) ? prohibited(target) : undefined;
  };

  return {
    checkName(target) {
      const isOpen = isNameAllowed(target) || rangesOf(allow, target.port).length > 0;
      if (isDeniedByText(target) || !isOpen) throw denied(target);
    },

    checkIp(target, ip) {
      const bytes = toBytes(ip.address);
      if (bytes === undefined || !isAddressAllowed(target, bytes)) return prohibited(target);
      // Last, so that a client without permission learns nothing about our listeners.
      return isOwn(bytes, target.port, ownAddresses()) ? loop(target) : undefined;
    },

    checkText(target) {
      const refusal = judgeText(target);
      if (refusal) throw judgesSpecial ? refusal : refusal.withHints(notDialledHint);
    },
  };
}

/** True if a rule covers a target as it is written: names by their text, literal addresses by ranges. Nothing is resolved. */
export function covers(rule: Rule, { host, port }: TcpAddress): boolean {
  if (withPort([rule], port).length === 0) return false;
  if (rule.host.kind !== 'range') return isAbout(rule, host);
  const bytes = isLiteral(host) ? toBytes(host) : undefined;
  return bytes !== undefined && isInRange(bytes, rule.host.range);
}

/** True for an address, and for a text that only looks like one and must not pass as a name. */
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

/** True if a deny covers an address: it lies in the range, or leads into it. */
function touches(range: Range, bytes: IpBytes): boolean {
  return [bytes, ...embeddedIn(bytes)].some((place) => isInRange(place, range));
}

/**
 * True if a range opens an address. An address that embeds IPv4 addresses is opened by ranges that open all of them,
 * or by a range inside its block: 2000::/3 means the IPv6 Internet, not 2002:7f00:1::, which leads to 127.0.0.1.
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
