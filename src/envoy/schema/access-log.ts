import * as z from 'zod';
import { logFilter } from './log-filter.ts';
import { any, filled, list, message, must, text } from './proto.ts';

/** The members of a JSON line. Envoy also accepts numbers and nested objects, which tunl does not support. */
const members = z.record(z.string(), text, must('texts by name'));

const textSource = message(
  'DataSource',
  { inline_string: text },
  { refused: { inline: 'filename inline_bytes environment_variable watched_directory' } },
);

const logFormat = message(
  'SubstitutionFormatString',
  {
    text_format: text.optional(),
    text_format_source: textSource.optional(),
    json_format: members.optional(),
  },
  { ignored: 'omit_empty_values content_type json_format_options', refused: { operator: 'formatters' } },
);

const fileLog = message('FileAccessLog', {
  path: filled,
  format: text.optional(),
  json_format: members.optional(),
  typed_json_format: members.optional(),
  log_format: logFormat.optional(),
});

const streamLog = (name: string) => message(name, { log_format: logFormat.optional() });

const loggers = any({
  'envoy.extensions.access_loggers.file.v3.FileAccessLog': fileLog,
  'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog': streamLog('StdoutAccessLog'),
  'envoy.extensions.access_loggers.stream.v3.StderrAccessLog': streamLog('StderrAccessLog'),
});

/** A list of `envoy.config.accesslog.v3.AccessLog`. */
export const accessLogs = list(
  message('AccessLog', { name: text.optional(), filter: logFilter.optional(), typed_config: loggers }),
);

/** The list of access logs in a file. */
export type AccessLogMessage = NonNullable<z.infer<typeof accessLogs>>;
