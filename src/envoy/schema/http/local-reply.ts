import type * as z from 'zod';
import { bodyFormat } from '../body-format.ts';
import { logFilter } from '../log-filter.ts';
import { list, message, text, uint } from '../proto.ts';
import { headerValueOption } from './header-option.ts';

const body = message(
  'DataSource',
  { inline_string: text.optional(), filename: text.optional() },
  { refused: { inline: 'inline_bytes environment_variable watched_directory' } },
);

const mapper = message('ResponseMapper', {
  filter: logFilter,
  status_code: uint(200, 599, 'a status from 200 to 599').optional(),
  body: body.optional(),
  body_format_override: bodyFormat.optional(),
  headers_to_add: list(headerValueOption),
});

/** `envoy.extensions.filters.network.http_connection_manager.v3.LocalReplyConfig` */
export const localReply = message('LocalReplyConfig', { mappers: list(mapper), body_format: bodyFormat.optional() });

/** What is changed in the answers of Envoy itself, in a file. */
export type LocalReplyMessage = z.infer<typeof localReply>;
