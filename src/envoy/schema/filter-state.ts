import type * as z from 'zod';
import { enumOf, filled, flag, list, message, text } from './proto.ts';

const source = message(
  'DataSource',
  { inline_string: text },
  { refused: { inline: 'filename inline_bytes environment_variable watched_directory' } },
);

const format = message(
  'SubstitutionFormatString',
  { text_format: text.optional(), text_format_source: source.optional(), omit_empty_values: flag.optional() },
  { ignored: 'content_type json_format_options', refused: { operator: 'formatters', stateText: 'json_format' } },
);

const value = message('FilterStateValue', {
  object_key: filled,
  factory_key: text.optional(),
  format_string: format,
  read_only: flag.optional(),
  shared_with_upstream: enumOf({ NONE: 0, ONCE: 1, TRANSITIVE: 2 }).optional(),
  skip_if_empty: flag.optional(),
});

/** The type of the network filter that gives connections values. */
export const connectionStateType = 'envoy.extensions.filters.network.set_filter_state.v3.Config';
/** The type of the HTTP filter that gives requests values. */
export const requestStateType = 'envoy.extensions.filters.http.set_filter_state.v3.Config';

/** The network filter `set_filter_state`. */
export const connectionState = message(
  'set_filter_state.Config of a listener',
  { on_new_connection: list(value) },
  { refused: { stateTls: 'on_downstream_tls_handshake' } },
);

/** The HTTP filter `set_filter_state`. */
export const requestState = message(
  'set_filter_state.Config of an HttpConnectionManager',
  { on_request_headers: list(value) },
  { refused: { stateRoute: 'clear_route_cache' } },
);

/** A list of values in a file. */
export type StateMessage = z.infer<typeof requestState>['on_request_headers'];
