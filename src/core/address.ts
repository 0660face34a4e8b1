import { writeUnixPath } from './unix-path.ts';

/** A numeric address with its family, as the resolver returns it. */
export interface Ip {
  readonly address: string;
  readonly family: 4 | 6;
}

/** A TCP endpoint. `host` is canonical: lower case, no brackets, no trailing dot. */
export interface TcpAddress {
  readonly kind: 'tcp';
  readonly host: string;
  readonly port: number;
  /** The addresses to dial, and no others; where present, the name is not resolved again. */
  readonly resolved?: readonly Ip[];
}

/** A Unix domain socket. */
export interface UnixAddress {
  readonly kind: 'unix';
  /** A file, or after a NUL a name in the abstract namespace. */
  readonly path: string;
}

/** A file descriptor that the parent process opened, for listening only. */
export interface FdAddress {
  readonly kind: 'fd';
  readonly fd: number;
}

/** A listener of this process, by its name. */
export interface InternalAddress {
  readonly kind: 'internal';
  readonly name: string;
}

/** An endpoint that a Dial can reach or a Listener can listen on. */
export type Address = TcpAddress | UnixAddress | FdAddress | InternalAddress;

/** An endpoint on which the operating system listens for us. */
export type ListenAddress = TcpAddress | UnixAddress | FdAddress;

/** Writes an address as people and proxies write it: `host:port`, `[v6]:port`, `unix:PATH`, `unix:@NAME`, … */
export function formatAddress(address: Address): string {
  switch (address.kind) {
    case 'tcp':
      return formatHostPort(address.host, address.port);
    case 'unix':
      return `unix:${writeUnixPath(address.path)}`;
    case 'fd':
      return `fd:${address.fd}`;
    case 'internal':
      return `internal://${address.name}`;
  }
}

/** The host of an address that has one. */
export function hostOf(address: Address): string | undefined {
  return address.kind === 'tcp' ? address.host : undefined;
}

/** Writes `host:port`, with an IPv6 address in brackets; without the port, if it is the usual one of the scheme. */
export function formatHostPort(host: string, port: number | string, usualPort?: number): string {
  const written = host.includes(':') ? `[${host}]` : host;
  return port === usualPort ? written : `${written}:${port}`;
}
