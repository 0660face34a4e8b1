import type * as z from 'zod';
import { enumOf, filled, flag, message, text, uint } from './proto.ts';

/** `envoy.config.core.v3.SocketAddress` */
export const socketAddress = message(
  'SocketAddress',
  {
    protocol: enumOf({ TCP: 0, UDP: 1 }, { UDP: 'udp' }).optional(),
    address: filled,
    port_value: uint(0, 65535, 'a port from 0 to 65535').optional(),
    ipv4_compat: flag.optional(),
  },
  { refused: { place: 'named_port resolver_name network_namespace_filepath' } },
);

const pipe = message('Pipe', { path: filled }, { refused: { mode: 'mode' } });

const internalAddress = message('EnvoyInternalAddress', {
  server_listener_name: filled,
  endpoint_id: text.optional(),
});

/** `envoy.config.core.v3.Address` */
export const address = message('Address', {
  socket_address: socketAddress.optional(),
  pipe: pipe.optional(),
  envoy_internal_address: internalAddress.optional(),
});

/** An address in a file. */
export type AddressMessage = z.infer<typeof address>;
