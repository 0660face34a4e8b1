import { TunlError } from '../../core/errors.ts';
import { limitSettings } from '../../syntax/settings.ts';

/** Options as messages name them, and what stands for them in a file. */
const inFiles: readonly (readonly [option: RegExp, words: string])[] = [
  [/--admin-open \(in a file: (.*)\)/g, '$1'],
  [/--auth-file FILE/g, 'users: FILE'],
  [/--user NAME/g, 'users: { NAME: ${VARIABLE} }'],
  [/--client-ca FILE/g, 'tls: { client-ca: FILE }'],
  [/--open\b/g, 'open: true'],
  [/--key-password-file/g, 'key-password'],
  ...limitSettings.flatMap(({ flag, key }) => (flag === key ? [] : [[new RegExp(`--${flag}\\b`, 'g'), key] as const])),
];

/** Names the keys of a file in a message and its hints, where they name options of the command line. */
export function nameKeys(error: TunlError): TunlError {
  const { code, message, facts } = error;
  return new TunlError(code, toKeys(message), { ...facts, ...(facts.hints && { hints: facts.hints.map(toKeys) }) });
}

function toKeys(text: string): string {
  const named = inFiles.reduce((said, [option, words]) => said.replaceAll(option, words), text);
  return named.replaceAll(/(?<![\w-])--(?=[a-z])/g, '');
}
