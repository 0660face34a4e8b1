import { isIPv4 } from 'node:net';
import { isAddress, isInMask, isInPrefix, sortAddresses, toNumber } from '../match/addresses.ts';
import { matchesGlob } from '../match/glob.ts';
import { dateRange, type PacValue, timeRange, weekdayRange } from './time-ranges.ts';

/** The things that functions of PAC files ask about. */
export interface PacWorld {
  /**
   * Returns the addresses of a name, none if it does not resolve.
   * @throws {Error} if they are not known yet; the file is then run again
   */
  readonly addressesOf: (host: string) => readonly string[];
  /** Does the same for the addresses of this machine. */
  readonly ownAddresses: () => readonly string[];
  readonly now: () => Date;
}

/** A function of PAC files. */
export type PacFunction = (world: PacWorld, args: readonly PacValue[]) => PacValue;

/** The longest name that is looked up (RFC 1035, section 2.3.4). */
const maxName = 253;

const text = (value: PacValue): string => (value === undefined ? '' : String(value));

function resolveAll(world: PacWorld, value: PacValue): readonly string[] {
  const host = text(value).replace(/^\[(.*)\]$/, '$1');
  if (isAddress(host)) return [host];
  if (value === null || host.length > maxName || !/^[^\s\0-\x20\x7f/?#@:]+$/.test(host)) return [];
  return world.addressesOf(host);
}

const resolveIpv4 = (world: PacWorld, value: PacValue): string | undefined => resolveAll(world, value).find(isIPv4);

/** The host alone is compared where a file passes a part of a name. */
const dnsDomainIs: PacFunction = (_world, [host, domain]) => text(host).endsWith(text(domain));

/**
 * The functions that a PAC file may call, with the results of Chrome and Firefox. Names are compared as they are
 * written; only addresses of IPv4 count, except in the functions that end in `Ex`, which are Microsoft's.
 */
export const pacFunctions: Readonly<Record<string, PacFunction>> = {
  isPlainHostName: (_world, [host]) => !/[.:]/.test(text(host)),
  dnsDomainIs,
  localHostOrDomainIs: (_world, [host, full]) => text(host) === text(full) || text(full).startsWith(`${text(host)}.`),
  dnsDomainLevels: (_world, [host]) => text(host).split('.').length - 1,
  shExpMatch: (_world, [subject, pattern]) => matchesGlob(text(subject), text(pattern)),
  isResolvable: (world, [host]) => resolveIpv4(world, host) !== undefined,
  dnsResolve: (world, [host]) => resolveIpv4(world, host) ?? null,
  isInNet: (world, [host, pattern, mask]) => {
    const address = resolveIpv4(world, host);
    return address !== undefined && isInMask(address, text(pattern), text(mask));
  },
  convert_addr: (_world, [address]) => toNumber(text(address)),
  myIpAddress: (world) => {
    const own = world.ownAddresses();
    return own.find(isIPv4) ?? own[0] ?? '127.0.0.1';
  },
  weekdayRange: (world, args) => weekdayRange(world.now(), args),
  dateRange: (world, args) => dateRange(world.now(), args),
  timeRange: (world, args) => timeRange(world.now(), args),
  // The call is listed with the others, which is all that a message of a PAC file is good for.
  alert: () => undefined,
  isResolvableEx: (world, [host]) => resolveAll(world, host).length > 0,
  dnsResolveEx: (world, [host]) => resolveAll(world, host).join(';'),
  isInNetEx: (world, [host, prefix]) =>
    resolveAll(world, host).some((address) =>
      text(prefix)
        .split(';')
        .some((one) => isInPrefix(address, one.trim())),
    ),
  myIpAddressEx: (world) => world.ownAddresses().join(';'),
  sortIpAddressList: (_world, [list]) => sortAddresses(text(list)) ?? '',
  getClientVersion: () => '1.0',
};
