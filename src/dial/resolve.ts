import type { Resolver } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Ip } from '../core/address.ts';
import { abortReason, throwIfAborted, within } from '../core/deadline.ts';
import { TunlError } from '../core/errors.ts';
import { type HostsFile, openHostsFile } from './hosts-file.ts';
import type { SystemNames } from './ask-system.ts';

/** Time to wait for the second family's answer once the first one's is there (RFC 8305, section 3). */
const resolutionDelayMs = 50;

/** The most addresses of one name that are tried. */
const maxAddresses = 16;

/**
 * Turns a name into addresses, in the order in which to try them.
 * @param name the name in messages, if that is more than the host
 * @throws {TunlError} dns_error or dns_timeout
 */
export type Resolve = (host: string, signal: AbortSignal, name?: string) => Promise<readonly Ip[]>;

/**
 * The source of addresses. `dns`: the name servers; `system`: the system alone; `both`: the same answers as ssh gets,
 * from the system alone if it has more sources than name servers, and otherwise from the name servers first and then
 * from the system for names that they do not know.
 */
export type NameSource = 'dns' | 'system' | 'both';

/** Options of a resolver. */
export interface ResolveOptions extends SystemNames {
  readonly family?: 4 | 6;
  /** Default: `dns`. */
  readonly resolver?: NameSource;
  /** Name servers to ask instead of those of the system, as `IP` or `IP:PORT`. */
  readonly servers?: readonly string[];
  readonly hostsPath?: string;
  readonly resolvConfPath?: string;
}

/** Parameters of a query beside the name. */
interface QueryPlan {
  readonly family: 4 | 6 | undefined;
  readonly servers: readonly string[] | undefined;
  readonly resolvConfPath: string;
  readonly name: string;
}

interface NameAnswer {
  readonly ips: readonly Ip[];
  readonly error?: NodeJS.ErrnoException;
}

/**
 * Makes a resolver whose lookups can be cancelled. The system's getaddrinfo cannot be, and two slow names in it hold up
 * all others of the process. So the hosts file, the search list and both queries are handled here, and the system is
 * only asked for names that it alone can know.
 */
export function createResolve(options: ResolveOptions): Resolve {
  const { family, resolver = 'dns', servers } = options;
  const { hostsPath = '/etc/hosts', resolvConfPath = '/etc/resolv.conf' } = options;
  const hosts = openHostsFile(hostsPath);
  return async (host, signal, name = host) => {
    throwIfAborted(signal);
    const literal = isIP(host);
    if (literal === 4 || literal === 6) return inFamily([{ address: host, family: literal }], family, name);
    const local = await lookupLocal(hosts, host);
    throwIfAborted(signal);
    if (local.length > 0) return inFamily(local, family, name);
    const askServers = () => query(host, signal, { family, servers, resolvConfPath, name });
    if (resolver === 'dns') return askServers();
    // Loaded only here: most runs never need it.
    const { askSystemToo } = await import('./ask-system.ts');
    const ips = await askSystemToo({ ...options, resolver }, { host, family }, askServers, signal).catch(
      (error: NodeJS.ErrnoException) => {
        throw error instanceof TunlError ? error : resolveError(name, error);
      },
    );
    return inFamily(ips.slice(0, maxAddresses), family, name);
  };
}

/**
 * Puts the limit of `--dns-timeout`, in milliseconds, on every lookup of a resolver.
 * @throws {TunlError} dns_timeout, and the errors of the resolver
 */
export function limitResolve(resolve: Resolve, dnsMs: number): Resolve {
  const limit = { ms: dnsMs, phase: 'dns', option: '--dns-timeout', code: 'dns_timeout' } as const;
  return (host, signal, name = host) =>
    within(limit, signal, `${name} was not resolved`, (limited) => resolve(host, limited, name));
}

async function lookupLocal(hosts: HostsFile, host: string): Promise<readonly Ip[]> {
  const known = await hosts.lookup(host);
  if (known.length > 0 || !/(^|\.)localhost$/.test(host)) return known;
  // RFC 6761, section 6.3: these names are loopback addresses, whatever a name server says.
  return [
    { address: '127.0.0.1', family: 4 },
    { address: '::1', family: 6 },
  ];
}

async function query(
  host: string,
  signal: AbortSignal,
  { family, servers, resolvConfPath, name: label }: QueryPlan,
): Promise<readonly Ip[]> {
  // Loaded only here, because ssh waits for each built-in module that a start loads.
  const dns = await import('node:dns/promises');
  throwIfAborted(signal);
  const resolver = new dns.Resolver({ tries: 3 });
  if (servers) resolver.setServers(servers);
  const cancel = () => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    let failure: NodeJS.ErrnoException | undefined;
    for (const name of candidates(host, resolvConfPath)) {
      const { ips, error } = await queryFamilies(resolver, name, family);
      if (signal.aborted) throw abortReason(signal);
      if (ips.length > 0) return ips.slice(0, maxAddresses);
      failure ??= error;
    }
    throw resolveError(label, failure);
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

async function queryFamilies(resolver: Resolver, name: string, family: 4 | 6 | undefined): Promise<NameAnswer> {
  const four = family === 6 ? undefined : ask(resolver.resolve4(name), 4);
  const six = family === 4 ? undefined : ask(resolver.resolve6(name), 6);
  if (!four || !six) return (await (four ?? six)) as NameAnswer;
  const either = (one: Promise<NameAnswer>, other: Promise<NameAnswer>) =>
    one.then((answer) => (answer.ips.length > 0 ? answer : other));
  await Promise.race([either(four, six), either(six, four)]);
  // One family has addresses, or both are done: addresses that the other brings within a moment are used as well.
  const soon = (answer: Promise<NameAnswer>) =>
    Promise.race([answer, delay<NameAnswer>(resolutionDelayMs, { ips: [] }, { ref: false })]);
  const [sixth, fourth] = await Promise.all([soon(six), soon(four)]);
  const error = fourth.error ?? sixth.error;
  return { ips: interleave(sixth.ips, fourth.ips), ...(error && { error }) };
}

function ask(query: Promise<string[]>, family: 4 | 6): Promise<NameAnswer> {
  return query.then(
    (addresses) => ({ ips: addresses.map((address) => ({ address, family })) }),
    (error: NodeJS.ErrnoException) => ({ ips: [], error }),
  );
}

/** Mixes two families in turn, IPv6 first (RFC 8305, section 4). */
function interleave(first: readonly Ip[], second: readonly Ip[]): Ip[] {
  const mixed: Ip[] = [];
  for (let at = 0; at < Math.max(first.length, second.length); at++) {
    for (const ip of [first[at], second[at]]) if (ip) mixed.push(ip);
  }
  return mixed;
}

function inFamily(ips: readonly Ip[], family: 4 | 6 | undefined, name: string): readonly Ip[] {
  const usable = family ? ips.filter((ip) => ip.family === family) : ips;
  if (usable.length > 0) return usable;
  throw new TunlError('dns_error', `${name} has no ${family ? `IPv${family} ` : ''}address`, { phase: 'dns' });
}

/** Lists the names to ask for by the resolver's `search` and `ndots` (resolv.conf(5)). */
function candidates(host: string, resolvConfPath: string): string[] {
  const { search, ndots } = readSearchList(resolvConfPath);
  const relative = search.map((suffix) => `${host}.${suffix}`);
  return host.split('.').length - 1 >= ndots ? [host, ...relative] : [...relative, host];
}

function readSearchList(path: string): { search: string[]; ndots: number } {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // Without a file there is no search list.
  }
  const search = /^(?:search|domain)[ \t]+(.+)$/m.exec(text)?.[1]?.trim().split(/\s+/) ?? [];
  return {
    search: search.filter((name) => name !== '.'),
    ndots: Number(/^options\b.*\bndots:(\d+)/m.exec(text)?.[1] ?? 1),
  };
}

/** Explains why a name has no address, by the code of the resolver library or of getaddrinfo. */
function resolveError(name: string, error: NodeJS.ErrnoException | undefined): TunlError {
  const facts = { phase: 'dns', cause: error } as const;
  switch (error?.code) {
    case 'ENOTFOUND':
    case 'EBADNAME':
      return new TunlError('dns_error', `cannot resolve ${name}: there is no such name`, {
        ...facts,
        rcode: 'NXDOMAIN',
      });
    case 'ENODATA':
    case undefined:
      return new TunlError('dns_error', `cannot resolve ${name}: the name has no address`, {
        ...facts,
        rcode: 'NOERROR',
      });
    case 'ETIMEOUT':
      return new TunlError('dns_timeout', `cannot resolve ${name}: the name server did not answer`, facts);
    case 'ECONNREFUSED':
      return new TunlError('dns_error', `cannot resolve ${name}: no name server can be reached`, facts);
    default: {
      // Codes such as ESERVFAIL are the resolver library's, EAI_AGAIN is getaddrinfo's.
      const who = /^E(?!AI_)[A-Z]+$/.test(error?.code ?? '') ? 'name server' : 'resolver of the system';
      const message = `cannot resolve ${name}: the ${who} failed (${error?.code})`;
      return new TunlError('dns_error', message, { ...facts, rcode: 'SERVFAIL' });
    }
  }
}
