import * as z from 'zod';
import { flag, message, must, text } from './proto.ts';

const members = z.record(z.string(), text, must('texts by name'));

const source = message(
  'DataSource',
  { inline_string: text },
  { refused: { inline: 'filename inline_bytes environment_variable watched_directory' } },
);

/** `envoy.config.core.v3.SubstitutionFormatString`, for the body of an answer. */
export const bodyFormat = message(
  'SubstitutionFormatString',
  {
    text_format: text.optional(),
    text_format_source: source.optional(),
    json_format: members.optional(),
    omit_empty_values: flag.optional(),
    content_type: text.optional(),
  },
  { ignored: 'json_format_options', refused: { operator: 'formatters' } },
);

/** The form of a body in a file. */
export type BodyFormatMessage = z.infer<typeof bodyFormat>;
