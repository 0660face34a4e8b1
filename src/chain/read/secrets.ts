import { resolve } from 'node:path';
import { usageError } from '../../core/errors.ts';
import { type KeyPassword, Secret } from '../../core/secret.ts';
import { readPasswordFile } from '../../syntax/password-file.ts';
import { hasControl } from '../../syntax/text.ts';

/** The surroundings in which a file is read. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder from which relative paths start. */
  readonly folder: string;
}

/**
 * The written forms of secrets, by the object that holds each: a Secret, a HeaderField, or the single user of a proxy.
 * They allow printing a graph without its secrets and reading it again.
 */
export type SecretSources = Map<object, string>;

/** `${NAME}`, or `$${` for the text `${`. */
const variable = /\$(\$?)\{([^}]*)\}/g;
const onlyVariable = /^\$\{\w+\}$/;

/**
 * Replaces `${NAME}` with the values of environment variables. In the user information and the settings of a URL, the
 * values are percent-encoded, so that a value cannot end the part in which it stands.
 * @throws {TunlError} usage, if a variable is not set or cannot be used; never with its value
 */
export function fillVariables(text: string, { env }: Surroundings): string {
  return text.replaceAll(variable, (all: string, escape: string, name: string, at: number) => {
    if (escape !== '') return all.slice(1);
    const value = readVariable(name, env);
    return isEncoded(text, at, at + all.length) ? encodeURIComponent(value) : value;
  });
}

/** Escapes a text that must be read again unchanged. */
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

/** True between `://` and `@`, and after `?`. */
function isEncoded(text: string, start: number, end: number): boolean {
  const scheme = text.indexOf('://');
  if (scheme < 0 || scheme > start) return false;
  return text.slice(scheme + 3, start).includes('?') || /^[^/?#]*@/.test(text.slice(end));
}

/** True for a reference to a secret, `${NAME}` or `file:PATH`, which is not secret itself. */
export function isReference(text: string): boolean {
  return onlyVariable.test(text) || text.startsWith('file:');
}

/**
 * Reads a secret from the place that the text names. A variable may be empty.
 * @throws {TunlError} usage, if the text is the secret itself, or if it cannot be read; never with the text
 */
export function readSecret(text: string, what: string, surroundings: Surroundings, sources: SecretSources): Secret {
  if (!isReference(text)) {
    throw usageError(`${what} is in plain text`, 'write ${NAME} for an environment variable, or file:PATH');
  }
  const secret = text.startsWith('file:')
    ? readPasswordFile(resolve(surroundings.folder, text.slice('file:'.length)))
    : new Secret(fillVariables(text, surroundings));
  sources.set(secret, text);
  return secret;
}

/**
 * Reads the password of a key from the place that the text names.
 * @throws {TunlError} usage, as `readSecret`
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
