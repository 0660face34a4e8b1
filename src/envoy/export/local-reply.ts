import type { AnswerChange, BodyForm, OwnAnswers } from '../../chain/model/http.ts';
import { toLogFilter } from './access-log.ts';
import type { FieldWriter } from './fields.ts';
import { normaliseWritten, toHeaderOptions } from './header-changes.ts';
import type { Tree } from './terms.ts';

/** Makes what Envoy changes in its own answers. */
export function toLocalReply(answers: OwnAnswers | undefined): Tree {
  if (!answers) return {};
  const { changes, form } = answers;
  return {
    local_reply_config: {
      ...(changes.length > 0 && { mappers: changes.map(toMapper) }),
      ...(form && { body_format: toBodyFormat(form) }),
    },
  };
}

function toMapper({ when, status, body, bodyFile, form, fields = {} }: AnswerChange): Tree {
  const options = toHeaderOptions(fields);
  const isForAll = when.some((tests) => tests.length === 0);
  return {
    // A mapper needs a filter, and no request is a health check here.
    filter: isForAll ? { not_health_check_filter: {} } : toLogFilter(when),
    ...(status !== undefined && { status_code: status }),
    ...(body !== undefined && { body: { inline_string: body } }),
    ...(bodyFile !== undefined && { body: { filename: bodyFile } }),
    ...(form && { body_format_override: toBodyFormat(form) }),
    ...(options.length > 0 && { headers_to_add: options }),
  };
}

/** Makes the form of a body. */
export function toBodyFormat({ format, type, omitMissing }: BodyForm): Tree {
  return {
    ...(typeof format === 'string' ? { text_format_source: { inline_string: format } } : { json_format: format }),
    ...(omitMissing && { omit_empty_values: true }),
    ...(type !== undefined && { content_type: type }),
  };
}

/** Normalises what is changed in answers: values that may be secret become variables, which Envoy reads. */
export function normaliseAnswers(
  answers: OwnAnswers | undefined,
  writer: FieldWriter,
): { readonly answers?: OwnAnswers } {
  if (!answers) return {};
  const changes = answers.changes.map(({ when, fields, ...change }) => ({
    ...change,
    when: when.some((tests) => tests.length === 0) ? [[]] : when,
    ...(fields && { fields: normaliseWritten(fields, writer) }),
  }));
  return { answers: { ...answers, changes } };
}
