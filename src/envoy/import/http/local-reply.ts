import { resolve } from 'node:path';
import type { AnswerChange, BodyForm, OwnAnswers } from '../../../chain/model/http.ts';
import type { Path } from '../../../chain/read/document.ts';
import { parseFormat } from '../../../syntax/format/format.ts';
import { hasControl } from '../../../syntax/text.ts';
import type { BodyFormatMessage } from '../../schema/body-format.ts';
import type { LocalReplyMessage } from '../../schema/http/local-reply.ts';
import type { BootstrapDiagnostics } from '../diagnostics.ts';
import { readLogFilter } from '../log-filter.ts';
import { assertOne } from '../one-of.ts';
import { readHeaderOptions } from './header-changes.ts';

/** Reads what is changed in the answers of a stage itself. Changes that no answer can pass the filter of are left out. */
export function readLocalReply(
  words: LocalReplyMessage | undefined,
  path: Path,
  reading: BootstrapDiagnostics,
): { readonly answers?: OwnAnswers } {
  if (!words) return {};
  const { mappers = [], body_format: format } = words;
  const changes = mappers.flatMap((mapper, index) => readMapper(mapper, [...path, 'mappers', index], reading));
  const form = format && readBodyForm(format, [...path, 'body_format'], reading);
  return changes.length > 0 || form ? { answers: { changes, ...(form && { form }) } } : {};
}

type MapperMessage = NonNullable<LocalReplyMessage['mappers']>[number];

function readMapper(words: MapperMessage, path: Path, reading: BootstrapDiagnostics): AnswerChange[] {
  const { filter, status_code: status, body, body_format_override: override, headers_to_add: added = [] } = words;
  // A filter sees an answer at no moment of the life of its request.
  const when = readLogFilter(filter, 'NOTSET', [...path, 'filter'], reading);
  const form = override && readBodyForm(override, [...path, 'body_format_override'], reading);
  const fields = readHeaderOptions(added, [...path, 'headers_to_add'], 'response', reading);
  if (body) assertOne([...path, 'body'], body, ['inline_string', 'filename'], reading);
  const change: AnswerChange = {
    when,
    ...(status !== undefined && { status }),
    ...(body?.inline_string !== undefined && { body: body.inline_string }),
    ...(body?.filename !== undefined && { bodyFile: resolve(body.filename) }),
    ...(form && { form }),
    ...(Object.keys(fields).length > 0 && { fields }),
  };
  return when.length > 0 ? [change] : [];
}

/** Reads the form of a body. Returns undefined after adding a fault. */
export function readBodyForm(
  words: BodyFormatMessage,
  path: Path,
  reading: BootstrapDiagnostics,
): BodyForm | undefined {
  const { text_format: text, text_format_source: source, json_format: json } = words;
  const { content_type: type = '', omit_empty_values: omits } = words;
  assertOne(path, words, ['text_format_source', 'json_format', 'text_format'], reading);
  if (hasControl(type)) reading.add([...path, 'content_type'], 'the type holds a control character');
  const check = (at: Path, format: string) => reading.attempts.run([...path, ...at], () => parseFormat(format));
  if (text !== undefined) check(['text_format'], text);
  if (source) check(['text_format_source', 'inline_string'], source.inline_string);
  for (const [name, member] of Object.entries(json ?? {})) check(['json_format', name], member);
  const format = text ?? source?.inline_string ?? json;
  if (format === undefined) return undefined;
  return { format, ...(type !== '' && { type }), ...(omits && { omitMissing: true }) };
}
