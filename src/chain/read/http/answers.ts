import { resolve } from 'node:path';
import { usageError } from '../../../core/errors.ts';
import { parseFormat } from '../../../syntax/format/format.ts';
import { asUsage, hasControl } from '../../../syntax/text.ts';
import type { AnswerChange, BodyForm, OwnAnswers } from '../../model/http.ts';
import type { Path } from '../document.ts';
import { readLists } from '../headers/changes.ts';
import { readFilter } from '../log/access-log.ts';
import type { RouteReader } from '../route.ts';
import { fillVariables } from '../secrets.ts';
import type { AnswersConfig, BodyFormConfig } from './schema.ts';

/** Reads what is changed in the answers of a stage itself. */
export function readAnswers(path: Path, words: AnswersConfig, reader: RouteReader): OwnAnswers {
  const { changes = [], ...form } = words;
  if (changes.length === 0 && form.format === undefined) {
    reader.attempts.add(path, 'this changes nothing', 'add changes or format');
  }
  return {
    changes: changes.map((each, index) => readChange([...path, 'changes', index], each, reader)),
    ...readForm(path, form, reader),
  };
}

type ChangeConfig = NonNullable<AnswersConfig['changes']>[number];

function readChange(path: Path, words: ChangeConfig, reader: RouteReader): AnswerChange {
  const { attempts } = reader;
  const {
    when,
    status,
    body,
    'body-file': file,
    format,
    'content-type': type,
    'omit-missing': omits,
    ...lists
  } = words;
  if (status !== undefined && (status < 200 || status > 599)) {
    attempts.add([...path, 'status'], `${status} is not a status from 200 to 599`);
  }
  if (body !== undefined && file !== undefined) {
    attempts.add([...path, 'body-file'], 'body-file does not go with body', 'leave one of them out');
  }
  const fields = readLists(path, lists, 'response', reader);
  const filter = when && attempts.run([...path, 'when'], () => asUsage('when', () => readFilter(when, reader)));
  const text = body === undefined ? undefined : attempts.run([...path, 'body'], () => fillVariables(body, reader));
  const bodyFile =
    file === undefined ? undefined : attempts.run([...path, 'body-file'], () => findFile(file, path, reader));
  return {
    when: filter ?? [[]],
    ...(status !== undefined && { status }),
    ...(text !== undefined && { body: text }),
    ...(bodyFile !== undefined && { bodyFile }),
    ...readForm(path, { format, 'content-type': type, 'omit-missing': omits }, reader),
    ...(Object.keys(fields).length > 0 && { fields }),
  };
}

function findFile(word: string, path: Path, reader: RouteReader): string {
  const file = resolve(reader.folder, fillVariables(word, reader));
  return reader.attempts.noteFile(file, [...path, 'body-file']);
}

/** Reads the form of a body; without a format there is none. */
export function readForm(path: Path, words: BodyFormConfig, reader: RouteReader): { readonly form?: BodyForm } {
  const { attempts } = reader;
  const { format: written, 'content-type': type, 'omit-missing': omits = false } = words;
  if (written === undefined) {
    for (const key of ['content-type', 'omit-missing'] as const) {
      if (words[key] !== undefined) attempts.add([...path, key], `${key} goes with format`, 'add format');
    }
    return {};
  }
  const format = readBodyFormat([...path, 'format'], written, reader);
  const named = type === undefined ? undefined : attempts.run([...path, 'content-type'], () => readType(type, reader));
  const form = { ...(named !== undefined && { type: named }), ...(omits && { omitMissing: true as const }) };
  return format === undefined ? {} : { form: { format, ...form } };
}

function readBodyFormat(
  path: Path,
  written: NonNullable<BodyFormConfig['format']>,
  reader: RouteReader,
): BodyForm['format'] | undefined {
  const { env: own, folder, attempts } = reader;
  const env = Object.fromEntries(Object.entries(own).map(([key, value]) => [key, value?.replaceAll('%', '%%')]));
  const read = (at: Path, text: string) =>
    attempts.run(at, () => {
      const format = fillVariables(text, { env, folder });
      asUsage('format', () => parseFormat(format));
      return format;
    });
  if (typeof written === 'string') return read(path, written);
  const members = Object.entries(written).map(([name, text]) => [name, read([...path, name], text) ?? ''] as const);
  return Object.fromEntries(members);
}

function readType(text: string, reader: RouteReader): string {
  const type = fillVariables(text, reader);
  if (hasControl(type)) throw usageError('the type holds a control character');
  return type;
}
