import { formatAddress, type TcpAddress, type UnixAddress } from './address.ts';
import { encodePercent } from './octets.ts';
import type { Credentials, KeyPassword } from './secret.ts';

/** Settings of TLS to a hop. `tls/material` reads the files that they name. */
export interface TlsSettings {
  /** Path of a PEM file with the only authorities to trust. */
  readonly cacert?: string;
  /** Trusts the authorities that are built into Node, and not those of the system. */
  readonly noSystemCa?: boolean;
  /** Trusts the authorities that are built into Node and no others, not even those of NODE_EXTRA_CA_CERTS. */
  readonly publicCaOnly?: boolean;
  /** Path of the file with our certificate, PEM or PKCS #12. */
  readonly cert?: string;
  readonly key?: string;
  /** The source of the password for an encrypted key: a file, whose first line counts, or another place. */
  readonly keyPasswordFile?: string;
  readonly keyPassword?: KeyPassword;
  /** Name to send as SNI and to verify instead of the hop's host. */
  readonly servername?: string;
  /** `sha256/BASE64URL` of the certificate's SPKI, or several separated by `;`; if set, only the pins decide. */
  readonly pin?: string;
  /** Accepts any certificate. */
  readonly insecure?: boolean;
  /** The one protocol to offer by ALPN. Default: those of the scheme. */
  readonly alpn?: string;
}

/**
 * The times at which our FIN may be sent to a hop: at once; once the target has ended, or after a wait; only once the
 * target has ended.
 */
export const halfCloses = ['now', 'wait', 'never'] as const;
/** One of `halfCloses`, from the least careful to the most. */
export type HalfClose = (typeof halfCloses)[number];

/** A header field as it is sent: name and value. */
export type HeaderField = readonly [name: string, value: string];

/** Finds the user and password for a proxy by its host, where the user has noted them for exactly that host. */
export type FindLogin = (host: string) => Promise<Credentials | undefined>;

/**
 * Stands in the place of a hop and chooses the proxies for each target: a PAC file, or the settings of the system.
 * `direct` always chooses none.
 */
export interface Chooser {
  readonly kind: 'pac' | 'system' | 'direct';
  /** The text that the user wrote, without settings and secrets. */
  readonly name: string;
  /** The URL of a PAC file: `http:`, `https:` or `file:`. */
  readonly url?: string;
  /** The source of passwords for the proxies that are chosen; absent if there is none. */
  readonly findLogin?: FindLogin;
}

/** A proxy that an earlier check has found to keep the two halves of tunnels apart. */
export interface KeptHalves {
  /** Called when a tunnel ends right behind our FIN, so that this can hardly be true. */
  readonly forget: () => void;
}

/** The mode in which a hop opened a session, among those that its carrier tries. */
export interface KnownMode {
  /** The name of the mode that worked last in this network, as an earlier run has found. */
  readonly name?: string;
  /** Keeps which mode has worked now, for later runs. */
  readonly keep: (name: string) => void;
}

/** One proxy on the way, as the user named it. */
export interface Hop {
  readonly scheme: string;
  /** A Unix socket is always on this machine, so only the first hop can have one. That of a chooser is not dialled. */
  readonly address: TcpAddress | UnixAddress;
  /** Present if this is no proxy, but chooses those to go through. */
  readonly chooser?: Chooser;
  readonly credentials?: Credentials;
  readonly tls: TlsSettings;
  /** Header fields to add to the tunnel request. */
  readonly headers: readonly HeaderField[];
  /** Further fields whose values have operators such as `%DOWNSTREAM_LOCAL_PORT%`, filled in for each tunnel. */
  readonly formats?: readonly HeaderField[];
  /** The time at which our FIN may be sent to it; if absent, the carrier and the hop's answer decide. */
  readonly halfClose?: HalfClose;
  /** Present if our FIN may be sent at once, as far as is known, where `halfClose` says nothing. */
  readonly keptHalves?: KeptHalves;
  /** Present if the carrier tries several modes, and what works is remembered. */
  readonly knownMode?: KnownMode;
  /** The carrier's own settings by name, already validated. */
  readonly settings: Readonly<Record<string, string>>;
  /** The environment variable that named the hop; absent if the user did. */
  readonly variable?: string;
  /**
   * False if no token of the user who is logged on may be sent to it, because something else named it: a file of the
   * network, or another proxy. Absent if the user or the environment did.
   */
  readonly signOn?: false;
}

/** Writes the hop as a URL without secrets and settings, for messages. */
export function formatHop(hop: Hop): string {
  if (hop.chooser) return hop.chooser.name;
  return `${hop.scheme}://${formatPlace(hop.address)}`;
}

/** Writes the address of a hop as it stands in a URL: `proxy:3128`, `unix:/run/proxy.sock`. */
export function formatPlace(address: Hop['address']): string {
  if (address.kind === 'tcp') return formatAddress(address);
  // Only characters that would end the path or an alternative, or begin a variable: people read this.
  return formatAddress(address).replaceAll(/[^\x21-\x7e]+|[%?#@|$"']/g, (part) =>
    encodePercent(part).replaceAll("'", '%27'),
  );
}

/** Transports without TLS, and the same ones with it. */
const securedTransports: readonly (readonly [plain: string, secured: string])[] = [
  ['http', 'https'],
  ['h2c', 'h2'],
  ['ws', 'wss'],
];

/** The scheme for the same carrier over TLS; undefined if this one uses TLS already. */
export function securedScheme(scheme: string): string | undefined {
  return exchangeTransport(scheme, (transport) => securedTransports.find(([plain]) => plain === transport)?.[1]);
}

/** The scheme for the same carrier without TLS; undefined if this one has no TLS, or requires it. */
export function plainScheme(scheme: string): string | undefined {
  return exchangeTransport(scheme, (transport) => securedTransports.find(([, secured]) => secured === transport)?.[0]);
}

function exchangeTransport(scheme: string, find: (transport: string) => string | undefined): string | undefined {
  const start = scheme.lastIndexOf('+') + 1;
  const other = find(scheme.slice(start));
  return other && scheme.slice(0, start) + other;
}
