import type { Address } from '../../core/address.ts';
import { TunlError } from '../../core/errors.ts';
import { writeUnixPath } from '../../core/unix-path.ts';

/** A part of an Envoy file. */
export type Tree = Readonly<Record<string, unknown>>;

/** One of Envoy's own messages, named below `envoy.extensions`. */
export function typed(message: string, fields: Tree = {}): Tree {
  return { '@type': `type.googleapis.com/envoy.extensions.${message}`, ...fields };
}

/** A duration as the files of Envoy have it: `0.25s`. */
export function formatSeconds(ms: number): string {
  return `${ms / 1000}s`;
}

/**
 * An address to listen on or to go to.
 * @param id tells endpoints apart that lead to the same internal listener
 */
export function toAddress(address: Address, id?: string): Tree {
  switch (address.kind) {
    case 'tcp': {
      // As Node does it: one socket for both families.
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

/** A text in which operators such as `%BYTES_SENT%` would be filled in, and none are. */
export function escapeOperators(text: string): string {
  return text.replaceAll('%', '%%');
}
