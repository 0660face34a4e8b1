import type { Carrier, CarrierScheme, HopSetting } from '../core/carrier.ts';
import { usageError } from '../core/errors.ts';
import { formatPlace, type HalfClose, halfCloses, type HeaderField, type Hop } from '../core/hop.ts';
import { Secret } from '../core/secret.ts';
import { parsePort } from './authority.ts';
import { type ChooserText, splitChooser } from './chooser.ts';
import { parseHeaders } from './header.ts';
import { readHost } from './host.ts';
import { type HopUrl, passwordHint, socketHint, splitHopUrl, splitQuery } from './hop-url.ts';
import { parseUnix } from './listen.ts';
import { takePasswordCommand } from './password-file.ts';
import { suggest } from './suggest.ts';
import { asUsage, quote } from './text.ts';
import { parseTls, tlsNames, tlsSwitches, type TlsConfig } from './tls.ts';

/** A scheme that a hop may have, with its carrier. */
export type KnownScheme = CarrierScheme & { readonly carrier: Pick<Carrier, 'settings' | 'protocol' | 'credentials'> };

/** Facts about a hop with a user but no password, for finding the password. */
export interface OpenHop {
  /** Its source and its URL without secrets; messages start with it. */
  readonly label: string;
  readonly scheme: string;
  readonly user: string;
  readonly host: string;
  /** The address: `proxy.corp:8080`. */
  readonly place: string;
  /** The command of the hop itself that prints the password. */
  readonly passwordCommand?: string;
}

/** Settings for every hop that does not have its own. */
export interface HopFallbacks {
  /** The source of the URLs: `-x`, or the name of a variable. */
  readonly source: string;
  /** The environment variable that names the hop; absent if the user did. */
  readonly variable?: string;
  /** True if a hop may name a command that prints its password: the user wrote it, and not a variable or a server. */
  readonly takesCommand?: boolean;
  /** The folder from which relative paths of headers start. Default: the current one. */
  readonly folder?: string;
  readonly tls: TlsConfig;
  readonly headers: readonly HeaderField[];
  readonly halfClose?: HalfClose;
  /** Settings of carriers by name, already validated, for hops whose carrier has them. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Name of the setting for `HalfClose`, as a flag and in the query of a hop. */
export const halfCloseName = 'half-close';

/** Reads the value of `half-close`. @throws {TunlError} usage, with `where` in front */
export function parseHalfClose(value: string, where: string): HalfClose {
  const known = halfCloses.find((name) => name === value);
  if (known) return known;
  throw usageError(`${where} is ${quote(value)}`, `write ${halfCloses.join(', ')}`);
}

/** A hop as read from its URL. */
export interface DraftHop extends Hop {
  /** Present if the URL has a user but no password. */
  readonly open?: OpenHop;
}

/** Splits `a|b` before anything is parsed; a `|` in a password is written %7C. @throws {TunlError} usage */
export function splitAlternatives(text: string, source: string): string[] {
  const alternatives = text.split('|').map((url) => url.trim());
  if (alternatives.includes('')) throw usageError(`${source} has an empty alternative beside |`);
  return alternatives;
}

/**
 * Reads the URL of a hop whose scheme is a known one.
 * @throws {TunlError} usage, never with a user name, a password or a header value
 */
export function parseHop(text: string, fallbacks: HopFallbacks, schemes: readonly KnownScheme[]): DraftHop {
  // The proxies that a chooser names are asked by CONNECT, so it takes what such a hop takes.
  const ofProxies = schemes.find(({ scheme }) => scheme === 'http')?.carrier.settings ?? [];
  const chooser = splitChooser(text, fallbacks.source, [
    ...tlsNames,
    'header',
    halfCloseName,
    ...[trustSetting, ...ofProxies].map(({ name }) => name),
  ]);
  if (chooser) return readChooser(chooser, fallbacks, [trustSetting, ...ofProxies]);
  const { scheme: name, user, password, query: written, label, ...place } = splitHopUrl(text, fallbacks.source);
  const takenOut = fallbacks.takesCommand ? takePasswordCommand(written, { user, password, label }) : undefined;
  const { passwordCommand, query = written } = takenOut ?? {};
  const scheme = schemes.find((known) => known.scheme === name);
  if (!scheme) throw unknownScheme(name, schemes, label);
  const settings = readSettings(query, scheme, label, fallbacks.folder);
  const address = readAddress(place, scheme, label);
  const { protocol, credentials } = scheme.carrier;
  const headers = settings.headers.length > 0 || protocol === 'socks' ? settings.headers : fallbacks.headers;
  const { halfClose = fallbacks.halfClose } = settings;
  if (credentials === 'user' && password) {
    throw usageError(`${label} has a password, and ${name}:// sends the user alone`, 'leave the password out');
  }
  if (user !== undefined && headers.some(([header]) => header.toLowerCase() === 'proxy-authorization')) {
    throw usageError(`${label} has a user and a Proxy-Authorization header`, 'leave one of them out');
  }
  return {
    scheme: name,
    address,
    ...(user !== undefined &&
      (password === undefined && credentials !== 'user'
        ? {
            open: {
              label,
              scheme: name,
              user,
              host: address.kind === 'tcp' ? address.host : formatPlace(address),
              place: formatPlace(address),
              ...(passwordCommand !== undefined && { passwordCommand }),
            },
          }
        : { credentials: { user, password: new Secret(password ?? '') } })),
    tls: scheme.tls ? parseTls({ ...withoutPair(fallbacks.tls, settings.tls), ...settings.tls }, label) : {},
    headers,
    ...(halfClose && { halfClose }),
    settings: { ...pickKnown(fallbacks.settings ?? {}, scheme.carrier), ...settings.own },
    ...(fallbacks.variable !== undefined && { variable: fallbacks.variable }),
  };
}

/** The setting of a chooser beside those of the proxies that it names. */
const trustSetting = { name: 'trust', summary: 'the proxies that may be sent credentials', parse: parseTrust };

/** Reads a comma-separated list of hosts, in which `*` stands for any characters. */
function parseTrust(value: string): string {
  const hosts = value.toLowerCase().split(',');
  if (hosts.every((host) => /^[a-z0-9._:*-]+$/.test(host) && !/^\**$/.test(host))) return hosts.join(',');
  throw usageError(`${quote(value)} is not a list of hosts`, 'write trust=*.corp.example,proxy.example');
}

function readChooser(
  { scheme, chooser, settings, label }: ChooserText,
  fallbacks: HopFallbacks,
  known: readonly HopSetting[],
): DraftHop {
  const address = { kind: 'tcp', host: 'localhost', port: 0 } as const;
  if (chooser.kind === 'direct') return { scheme, address, chooser, tls: {}, headers: [], settings: {} };
  const own = { scheme, defaultPort: 0, tls: { alpn: [] }, summary: '', carrier: { settings: known } };
  const read = readSettings(splitQuery(`?${settings.join('&')}`, label), own, label, fallbacks.folder);
  const { halfClose = fallbacks.halfClose } = read;
  return {
    scheme,
    address,
    chooser,
    tls: parseTls({ ...withoutPair(fallbacks.tls, read.tls), ...read.tls }, label),
    headers: read.headers.length > 0 ? read.headers : fallbacks.headers,
    ...(halfClose && { halfClose }),
    settings: { ...pickKnown(fallbacks.settings ?? {}, own.carrier), ...read.own },
    ...(fallbacks.variable !== undefined && { variable: fallbacks.variable }),
  };
}

function readAddress(
  { host, port, socket }: Pick<HopUrl, 'host' | 'port' | 'socket'>,
  scheme: KnownScheme,
  label: string,
): Hop['address'] {
  if (socket !== undefined) return asUsage(label, () => parseUnix(`unix:${socket}`));
  return {
    kind: 'tcp',
    host: asUsage(label, () => readHost(host)),
    port: port === undefined ? scheme.defaultPort : parseHopPort(port, label),
  };
}

// The text is not repeated in messages: it may be a piece of a password that was not encoded.
function parseHopPort(text: string, where: string): number {
  try {
    return parsePort(text);
  } catch {
    throw usageError(`${where} has no valid port`, 'a port is a number from 1 to 65535; write @ of a password as %40');
  }
}

/** Returns those settings that a carrier knows. */
export function pickKnown(
  all: Readonly<Record<string, string>>,
  { settings }: Pick<Carrier, 'settings'>,
): Record<string, string> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => settings.some((own) => own.name === name)));
}

/** Drops the certificate and the key of the flags for a hop that has its own. */
function withoutPair({ cert, key, 'key-password-file': password, ...rest }: TlsConfig, own: TlsConfig): TlsConfig {
  if (own.cert !== undefined || own.key !== undefined) return rest;
  return {
    ...rest,
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(password !== undefined && { 'key-password-file': password }),
  };
}

interface Settings {
  readonly tls: Record<string, string | true>;
  readonly headers: HeaderField[];
  readonly own: Record<string, string>;
  halfClose?: HalfClose;
}

function readSettings(query: HopUrl['query'], scheme: KnownScheme, where: string, folder?: string): Settings {
  const settings: Settings = { tls: {}, headers: [], own: {} };
  const { protocol } = scheme.carrier;
  const known = [
    ...tlsNames,
    ...(protocol === 'socks' ? [] : ['header']),
    halfCloseName,
    ...scheme.carrier.settings.map(({ name }) => name),
  ];
  for (const [name, value] of query) {
    if (!known.includes(name)) {
      // A piece of a password that was not encoded may look like a setting.
      if (query.some(([, other]) => other?.includes('@'))) {
        throw usageError(`${where} has an unknown setting, and an @ after it`, passwordHint, listKnown(known));
      }
      throw unknownSetting(name, known, where);
    }
    const bare = scheme.carrier.settings.find((own) => own.name === name)?.bare;
    if (value === undefined && bare === undefined && !tlsSwitches.has(name)) throw needsValue(name, where);
    if (name === 'header') settings.headers.push(...parseHeaders(value ?? '', where, folder));
    else if (name in settings.tls || name in settings.own) throw givenTwice(name, where);
    else if (name === halfCloseName) {
      if (settings.halfClose) throw givenTwice(name, where);
      settings.halfClose = parseHalfClose(value ?? '', `${where}: the setting ${name}`);
    } else if (isTlsName(name)) settings.tls[name] = readTlsValue(name, value, scheme, where);
    else settings.own[name] = parseOwn(name, value ?? bare ?? '', scheme, where);
  }
  return settings;
}

function needsValue(name: string, where: string) {
  return usageError(`${where}: the setting ${name} needs a value`, `write ?${name}=VALUE; & in it as %26, % as %25`);
}

function givenTwice(name: string, where: string) {
  return usageError(`${where}: the setting ${name} is given twice`, 'leave one of them out');
}

function isTlsName(name: string): boolean {
  return (tlsNames as readonly string[]).includes(name);
}

function readTlsValue(name: string, value: string | undefined, scheme: CarrierScheme, where: string): string | true {
  if (!scheme.tls) {
    const what = `${where}: the setting ${name} needs TLS, and ${scheme.scheme}:// has none`;
    throw usageError(what, 'write https:// if the proxy speaks TLS');
  }
  if (value === '') throw usageError(`${where}: the setting ${name} is empty`, `write ?${name}=VALUE, or leave it out`);
  return value ?? true;
}

function parseOwn(name: string, value: string, scheme: KnownScheme, where: string): string {
  const setting = scheme.carrier.settings.find((candidate) => candidate.name === name);
  return setting ? asUsage(`${where}: the setting ${name}`, () => setting.parse(value)) : value;
}

function unknownScheme(name: string, schemes: readonly KnownScheme[], label: string) {
  const known = schemes.map(({ scheme }) => scheme);
  const near = suggest(name, known);
  return usageError(
    `${label} has an unknown scheme: ${quote(name)}`,
    ...(near === undefined ? [] : [`did you mean ${near}://?`]),
    ...(name.endsWith('unix') ? [socketHint] : []),
    `known schemes: ${known.map((scheme) => `${scheme}://`).join(' ')}`,
  );
}

function unknownSetting(name: string, known: readonly string[], where: string) {
  const near = suggest(name, known);
  return usageError(
    `${where} has an unknown setting: ${quote(name)}`,
    ...(near === undefined ? [] : [`did you mean ${near}?`]),
    listKnown(known),
  );
}

function listKnown(known: readonly string[]): string {
  return `known settings: ${known.join(' ')}`;
}
