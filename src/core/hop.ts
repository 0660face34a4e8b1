import { formatAddress, type TcpAddress, type UnixAddress } from './address.ts';
import { encodePercent } from './octets.ts';
import type { Credentials, KeyPassword } from './secret.ts';

/** How TLS to a hop is set up and judged. Paths are read by `tls/material`. */
export interface TlsSettings {
  /** Path of a PEM file with the authorities to trust instead of all others. */
  readonly cacert?: string;
  /** Trust those that are built into Node, and not those of the system. */
  readonly noSystemCa?: boolean;
  /** Path of a file with our certificate, PEM or PKCS #12, and the one with its key. */
  readonly cert?: string;
  readonly key?: string;
  /** The source of the password of an encrypted key: the first line of a file, or another place. */
  readonly keyPasswordFile?: string;
  readonly keyPassword?: KeyPassword;
  /** Name to send as SNI and to verify instead of the hop's host. */
  readonly servername?: string;
  /** `sha256/BASE64URL` of the certificate's SPKI, or several of them with `;` between; when set, it alone decides. */
  readonly pin?: string;
  /** Accept any certificate. */
  readonly insecure?: boolean;
  /** The one protocol to offer by ALPN; those of the scheme where absent. */
  readonly alpn?: string;
}

/** When our end may go out: at once, when the target has ended or after a wait, only when the target has ended. */
export const halfCloses = ['now', 'wait', 'never'] as const;
/** One of `halfCloses`, from the least careful to the most. */
export type HalfClose = (typeof halfCloses)[number];

/** A header field as it is sent: name and value. */
export type HeaderField = readonly [name: string, value: string];

/** One proxy on the way, as the user named it. */
export interface Hop {
  readonly scheme: string;
  /** A Unix socket is one of this machine: only the first hop can be there. */
  readonly address: TcpAddress | UnixAddress;
  readonly credentials?: Credentials;
  readonly tls: TlsSettings;
  /** Fields to add to the tunnel request. */
  readonly headers: readonly HeaderField[];
  /** Further fields whose values have operators such as `%DOWNSTREAM_LOCAL_PORT%`, filled in for each tunnel. */
  readonly formats?: readonly HeaderField[];
  /** When our end may go out to it; where absent, as its carrier has it and its answer says. */
  readonly halfClose?: HalfClose;
  /** Settings of the carrier itself, by name, already validated. */
  readonly settings: Readonly<Record<string, string>>;
  /** The variable of the environment that names it; absent where the user did. */
  readonly variable?: string;
}

/** The hop as a URL without its secrets and settings, for messages. */
export function formatHop(hop: Hop): string {
  return `${hop.scheme}://${formatPlace(hop.address)}`;
}

/** The place of a hop as a URL has it: `proxy:3128`, `unix:/run/proxy.sock`. */
export function formatPlace(address: Hop['address']): string {
  if (address.kind === 'tcp') return formatAddress(address);
  // As few escapes as a person can read: what would end the path or an alternative, or begin a variable.
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

/** The scheme for the same carrier in TLS; undefined where this one has it already. */
export function securedScheme(scheme: string): string | undefined {
  return exchangeTransport(scheme, (transport) => securedTransports.find(([plain]) => plain === transport)?.[1]);
}

/** The scheme for the same carrier without TLS; undefined where this one has none, or cannot do without. */
export function plainScheme(scheme: string): string | undefined {
  return exchangeTransport(scheme, (transport) => securedTransports.find(([, secured]) => secured === transport)?.[0]);
}

function exchangeTransport(scheme: string, find: (transport: string) => string | undefined): string | undefined {
  const start = scheme.lastIndexOf('+') + 1;
  const other = find(scheme.slice(start));
  return other && scheme.slice(0, start) + other;
}
