import type { AnswerChange, BodyForm, OwnAnswers } from '../model/http.ts';
import type { AnswersConfig, BodyFormConfig } from '../read/http/schema.ts';
import type { SecretNames } from '../read/secret-names.ts';
import { escapeVariables } from '../read/secrets.ts';
import { toFilterConfig, toMembers } from './access-log.ts';
import { toListsConfig } from './changes.ts';

/** Writes what is changed in the answers of a stage itself as in a file. */
export function toAnswersConfig({ changes, form }: OwnAnswers, names: SecretNames): AnswersConfig {
  return {
    ...(changes.length > 0 && { changes: changes.map((change) => toChangeConfig(change, names)) }),
    ...toFormConfig(form),
  };
}

type ChangeConfig = NonNullable<AnswersConfig['changes']>[number];

function toChangeConfig(change: AnswerChange, names: SecretNames): ChangeConfig {
  const { when, status, body, bodyFile, form, fields } = change;
  const isForAll = when.some((tests) => tests.length === 0);
  return {
    ...(!isForAll && { when: toFilterConfig(when) }),
    ...(status !== undefined && { status }),
    ...(body !== undefined && { body: escapeVariables(body) }),
    ...(bodyFile !== undefined && { 'body-file': escapeVariables(bodyFile) }),
    ...toFormConfig(form),
    ...(fields && toListsConfig(fields, names)),
  };
}

/** Writes the form of a body as in a file. */
export function toFormConfig(form: BodyForm | undefined): BodyFormConfig {
  if (!form) return {};
  const { format, type, omitMissing } = form;
  return {
    format: typeof format === 'string' ? escapeVariables(format) : toMembers(format),
    ...(type !== undefined && { 'content-type': escapeVariables(type) }),
    ...(omitMissing && { 'omit-missing': true }),
  };
}
