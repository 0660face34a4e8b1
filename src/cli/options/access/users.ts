import type { StagePolicy } from '../../../app/commands/options.ts';
import { usageError } from '../../../core/errors.ts';
import { checkPassword, readPasswordFile } from '../../../syntax/password-file.ts';
import { hasControl } from '../../../syntax/text.ts';
import type { Arguments } from '../../parse/arguments.ts';
import { asText, option } from '../../parse/option.ts';

const authFileOption = option('auth-file', asText, {
  value: 'FILE',
  summary: 'users and passwords, lines of htpasswd (bcrypt, apr1, SHA) or htdigest',
  completes: 'file',
});

const userOption = option('user', asText, {
  value: 'NAME',
  summary: 'one user, whose password is in TUNL_SERVE_PASSWORD',
});

const userPasswordOption = option('user-password-file', asText, {
  value: 'FILE',
  summary: 'or is the first line of this file',
  completes: 'file',
});

/** The options that name the users of a proxy. */
export const userOptions = [authFileOption, userOption, userPasswordOption];

/** Reads the users of a proxy; there are none if everyone is one. @throws {TunlError} usage */
export function readUsers(args: Arguments, env: Readonly<Record<string, string | undefined>>): StagePolicy['users'] {
  const [authFile, user, passwordFile] = [args.get(authFileOption), args.get(userOption), args.get(userPasswordOption)];
  if (user === undefined) {
    if (passwordFile !== undefined) throw usageError('--user-password-file needs --user');
    return authFile === undefined ? {} : { authFile };
  }
  if (authFile !== undefined)
    throw usageError('--auth-file and --user contradict each other', 'add the user to the file');
  if (user.includes(':') || hasControl(user))
    throw usageError('the name in --user holds a colon, which Basic cannot carry');
  const fromEnv = env['TUNL_SERVE_PASSWORD'];
  if (passwordFile === undefined && fromEnv === undefined) {
    throw usageError('--user has no password', 'set TUNL_SERVE_PASSWORD, or give a file with --user-password-file');
  }
  const password =
    passwordFile === undefined ? checkPassword(fromEnv ?? '', 'TUNL_SERVE_PASSWORD') : readPasswordFile(passwordFile);
  return { single: { user, password: password.reveal() } };
}
