import type { Address } from '../../core/address.ts';
import { TunlError } from '../../core/errors.ts';
import { writeUnixPath } from '../../core/unix-path.ts';

/** A part of an Envoy file. */
export type Tree = Readonly<Record<string, unknown>>;

/** Makes a message with a type; its name is relative to `envoy.extensions`. */
export function typed(message: string, fields: Tree = {}): Tree {
  return { '@type': `type.googleapis.com/envoy.extensions.${message}`, ...fields };
}

/** Formats a duration in milliseconds for Envoy: `0.25s`. */
export function formatSeconds(ms: number): string {
  return `${ms / 1000}s`;
}

/**
 * Makes an address to listen on or to dial.
 * @param id distinguishes endpoints with the same internal listener
 */
export function toAddress(address: Address, id?: string): Tree {
  switch (address.kind) {
    case 'tcp': {
      // Like Node, use one socket for both address families.
      const isAll = address.host === '*';
      const place = { address: isAll ? '::' : address.host, port_value: address.port };
      return { socket_address: { ...place, ...(isAll && { ipv4_compat: true }) } };
    }
    case 'unix':
      return { pipe: { path: writeUnixPath(address.path) } };
    case 'internal':
      return {
        envoy_internal_address: { server_listener_name: address.name, ...(id !== undefined && { endpoint_id: id }) },
      };
    case 'fd':
      throw new TunlError('internal', 'Envoy takes no descriptor');
  }
}

/** Escapes a text for use as a format, so that it contains no operators such as `%BYTES_SENT%`. */
export function escapeOperators(text: string): string {
  return text.replaceAll('%', '%%');
}
