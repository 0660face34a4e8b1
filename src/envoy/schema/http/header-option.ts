import type * as z from 'zod';
import { enumOf, filled, flag, list, message, text } from '../proto.ts';

const headerValue = message(
  'HeaderValue',
  { key: filled, value: text.optional() },
  { refused: { bytes: 'raw_value' } },
);

/** `envoy.config.core.v3.HeaderValueOption` */
export const headerValueOption = message('HeaderValueOption', {
  header: headerValue,
  append: flag.optional(),
  append_action: enumOf({
    APPEND_IF_EXISTS_OR_ADD: 0,
    ADD_IF_ABSENT: 1,
    OVERWRITE_IF_EXISTS_OR_ADD: 2,
    OVERWRITE_IF_EXISTS: 3,
  }).optional(),
  keep_empty_value: flag.optional(),
});

/** The fields with which a route configuration, a virtual host and a route change the fields of messages. */
export const headerChanges = {
  request_headers_to_add: list(headerValueOption),
  request_headers_to_remove: list(filled),
  response_headers_to_add: list(headerValueOption),
  response_headers_to_remove: list(filled),
};

/** A field that is added to messages, in a file. */
export type HeaderOptionMessage = z.infer<typeof headerValueOption>;
/** What is changed in messages, in a file. */
export type HeaderChangesMessage = {
  readonly [key in keyof typeof headerChanges]?: z.infer<(typeof headerChanges)[key]>;
};
