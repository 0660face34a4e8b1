import type { StateValue } from '../../syntax/format/state.ts';
import { type Tree, typed } from './terms.ts';

const name = 'envoy.filters.%.set_filter_state';

/** Makes the filter that gives each connection or request its values; none without values. */
export function toStateFilters(values: readonly StateValue[] | undefined, of: 'network' | 'http'): Tree[] {
  if (!values) return [];
  const list = { [of === 'http' ? 'on_request_headers' : 'on_new_connection']: values.map(toValue) };
  return [{ name: name.replace('%', of), typed_config: typed(`filters.${of}.set_filter_state.v3.Config`, list) }];
}

function toValue({ name: key, value, share, skipEmpty, omitMissing }: StateValue): Tree {
  return {
    object_key: key,
    // Connections are then shared only between requests that share the value.
    factory_key: 'envoy.hashable_string',
    format_string: {
      text_format_source: { inline_string: value },
      ...(omitMissing && { omit_empty_values: true }),
    },
    ...(share && { shared_with_upstream: share === 'once' ? 'ONCE' : 'TRANSITIVE' }),
    ...(skipEmpty && { skip_if_empty: true }),
  };
}

/** True for a cluster whose endpoints are internal listeners. */
export function leadsInside(cluster: Tree): boolean {
  return JSON.stringify(cluster['load_assignment'] ?? {}).includes('"envoy_internal_address"');
}

/** Makes a cluster pass the values that are shared on to the internal listener of its endpoints. */
export function withSharedState(cluster: Tree): Tree {
  const { transport_socket: inner = { name: 'envoy.transport_sockets.raw_buffer', typed_config: raw }, ...rest } =
    cluster;
  const config = typed('transport_sockets.internal_upstream.v3.InternalUpstreamTransport', { transport_socket: inner });
  return {
    ...rest,
    transport_socket: { name: 'envoy.transport_sockets.internal_upstream', typed_config: config },
  };
}

const raw: Tree = typed('transport_sockets.raw_buffer.v3.RawBuffer');
