import { resolve } from 'node:path';
import { usageError } from '../core/errors.ts';
import { type KeyPassword, Secret } from '../core/secret.ts';
import { readPasswordFile } from '../words/password-file.ts';
import { hasControl } from '../words/text.ts';

/** What a file is read with. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder that relative paths start from. */
  readonly folder: string;
}

/**
 * How secrets were written, by the object that holds each: a Secret, a HeaderField, or the single user of a
 * proxy. With it a graph can be printed without its secrets and read again.
 */
export type SecretSources = Map<object, string>;

/** `${NAME}`, or `$${` for the text `${`. */
const variable = /\$(\$?)\{([^}]*)\}/g;
const onlyVariable = /^\$\{\w+\}$/;

/**
 * Fills `${NAME}` in with the variables of the environment. In the user information and the settings of a URL
 * they are percent-encoded, so that a value cannot end the part that it stands in.
 * @throws {TunlError} usage, when a variable is not set; its value is never in the message
 */
export function fillVariables(text: string, { env }: Surroundings): string {
  return text.replaceAll(variable, (all: string, escape: string, name: string, at: number) => {
    if (escape !== '') return all.slice(1);
    const value = readVariable(name, env);
    return isEncoded(text, at, at + all.length) ? encodeURIComponent(value) : value;
  });
}

/** A text that is to be read again as it is. */
export function escapeVariables(text: string): string {
  return text.replaceAll('${', () => '$${');
}

function readVariable(name: string, env: Surroundings['env']): string {
  if (!/^[A-Za-z_]\w*$/.test(name)) {
    throw usageError(`\${${name}} is not the name of a variable`, 'write $${ for the text ${');
  }
  const value = env[name];
  if (value === undefined) throw usageError(`the variable ${name} is not set`);
  if (hasControl(value)) throw usageError(`the variable ${name} holds a control character`);
  return value;
}

/** True between `://` and `@`, and behind `?`. */
function isEncoded(text: string, start: number, end: number): boolean {
  const scheme = text.indexOf('://');
  if (scheme < 0 || scheme > start) return false;
  return text.slice(scheme + 3, start).includes('?') || /^[^/?#]*@/.test(text.slice(end));
}

/** True for a text that holds no secret itself: `${NAME}` or `file:PATH`, and nothing else. */
export function isReference(text: string): boolean {
  return onlyVariable.test(text) || text.startsWith('file:');
}

/**
 * Reads a secret from where the text says that it is.
 * A variable may be empty.
 * @throws {TunlError} usage, when it is the secret itself, or cannot be read; never with the text in it
 */
export function readSecret(text: string, what: string, surroundings: Surroundings, sources: SecretSources): Secret {
  if (!isReference(text)) {
    throw usageError(`${what} is written out`, 'write ${NAME} for a variable of the environment, or file:PATH');
  }
  const secret = text.startsWith('file:')
    ? readPasswordFile(resolve(surroundings.folder, text.slice('file:'.length)))
    : new Secret(fillVariables(text, surroundings));
  sources.set(secret, text);
  return secret;
}

/**
 * Reads the password of a key likewise.
 * @throws {TunlError} usage, likewise
 */
export function readKeyPassword(
  text: string | undefined,
  surroundings: Surroundings,
  sources: SecretSources,
): { readonly keyPassword?: KeyPassword } {
  if (text === undefined) return {};
  const password = readSecret(text, 'key-password', surroundings, sources);
  const keyPassword: KeyPassword = { isGiven: true, find: async () => ({ password, from: 'key-password' }) };
  sources.set(keyPassword, text);
  return { keyPassword };
}
