import { usageError } from '../../core/errors.ts';
import type { EventSink } from '../../core/events.ts';
import type { Credentials, Secret } from '../../core/secret.ts';
import type { OpenHop } from '../../syntax/hop.ts';
import type { Ask } from '../process/ask.ts';
import { findNetrcLogin, findNetrcPassword, type Netrc, readNetrc } from './netrc.ts';
import { checkPassword, passwordCommandName, readPasswordFile } from '../../syntax/password-file.ts';

/** The sources of passwords that are not in a URL. */
export interface PasswordSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of `--password-file`. */
  readonly file: string | undefined;
  /** The command of `--password-command`. */
  readonly command?: string | undefined;
  /** Runs a command, once in this process, and returns what it prints. */
  readonly runCommand: (command: string) => Promise<string>;
  readonly ask: Ask;
  /** Receives a notice that names the source of each password. */
  readonly emit: EventSink;
}

const variable = 'TUNL_PROXY_PASSWORD';

/**
 * Finds the passwords of the hops that name a user and no password, in travel order. For each, the first source that
 * has one counts: its own command, the environment, the password file, .netrc, the command for all, the user. If there is only one such hop, its variable is
 * `TUNL_PROXY_PASSWORD`; if there are several, they are `TUNL_PROXY_PASSWORD_1`, `TUNL_PROXY_PASSWORD_2`, …, and
 * a password that names no single hop is refused, so that no hop receives the password of another.
 * @throws {TunlError} usage, if a hop has no source; interrupted, if a signal comes instead of an answer
 */
export async function findPasswords(hops: readonly OpenHop[], sources: PasswordSources): Promise<Secret[]> {
  const passwords: Secret[] = [];
  const others = hops.filter(({ passwordCommand }) => passwordCommand === undefined);
  // In sequence, because a user answers one question at a time.
  for (const hop of hops) {
    const { password, from } =
      hop.passwordCommand === undefined
        ? await findPassword(hop, others, sources)
        : await fromCommand(hop, hop.passwordCommand, sources);
    sources.emit({ event: 'notice', level: 'verbose', message: `${hop.label}: the password is from ${from}` });
    passwords.push(password);
  }
  return passwords;
}

async function findPassword(hop: OpenHop, hops: readonly OpenHop[], sources: PasswordSources): Promise<Found> {
  const name = hops.length === 1 ? variable : `${variable}_${hops.indexOf(hop) + 1}`;
  const found = fromEnvironment(name, sources) ?? fromFile(hop, name, hops.length, sources) ?? fromNetrc(hop, sources);
  if (found) return found;
  const { command } = sources;
  if (command !== undefined && hops.length > 1) {
    throw usageError(
      `${hop.label} is one of ${hops.length} proxies without a password, and --${passwordCommandName} prints one`,
      `write ?${passwordCommandName}=COMMAND behind the URL of each`,
    );
  }
  return command === undefined ? fromPerson(hop, name, sources) : fromCommand(hop, command, sources);
}

async function fromCommand({ label }: OpenHop, command: string, { runCommand }: PasswordSources): Promise<Found> {
  const text = await runCommand(command);
  const password = checkPassword(text, `the answer of ${passwordCommandName} for ${label}`);
  return { password, from: passwordCommandName };
}

interface Found {
  readonly password: Secret;
  /** The source, as a message names it. */
  readonly from: string;
}

function fromEnvironment(name: string, { env }: PasswordSources): Found | undefined {
  const given = env[name];
  // Some proxies take a key as the user and an empty password, so an empty variable is an empty password.
  return given === undefined ? undefined : { password: checkPassword(given, name, { mayBeEmpty: true }), from: name };
}

function fromFile({ label }: OpenHop, name: string, count: number, { env, file }: PasswordSources): Found | undefined {
  if (count > 1) {
    const single = env[variable] === undefined ? (file === undefined ? undefined : '--password-file') : variable;
    if (single === undefined) return undefined;
    throw usageError(`${label} is one of ${count} proxies without a password, and ${single} holds one`, `set ${name}`);
  }
  return file === undefined ? undefined : { password: readPasswordFile(file), from: '--password-file' };
}

/** Finds the user and password of a proxy that a PAC file or the system names: the entry of .netrc for its host. */
export function findLogin(host: string, { env, emit }: Pick<PasswordSources, 'env' | 'emit'>): Credentials | undefined {
  const netrc = readNetrc(env);
  const found = netrc && findNetrcLogin(netrc, host);
  if (!netrc || !found) return undefined;
  warnExposed(netrc, emit);
  emit({ event: 'notice', level: 'verbose', message: `${host}: user and password are from ${netrc.path}` });
  return found;
}

function warnExposed({ path, exposedMode }: Netrc, emit: EventSink): void {
  if (exposedMode === undefined) return;
  const message = `others may read ${path} (mode ${exposedMode}), which holds a password: chmod 600 it`;
  emit({ event: 'notice', level: 'warning', message });
}

function fromNetrc({ user, host }: OpenHop, { env, emit }: PasswordSources): Found | undefined {
  const netrc: Netrc | undefined = readNetrc(env);
  const found = netrc && findNetrcPassword(netrc, host, user);
  if (!netrc || !found) return undefined;
  warnExposed(netrc, emit);
  return { password: checkPassword(found.reveal(), `the password for this proxy in ${netrc.path}`), from: netrc.path };
}

async function fromPerson(
  { label, user, place, scheme }: OpenHop,
  name: string,
  { ask }: PasswordSources,
): Promise<Found> {
  const answer = await ask(`tunl: password of ${user} for ${place}:`);
  if (answer === undefined) {
    throw usageError(
      `${label} has a user and no password`,
      `set ${name}, or give a file with --password-file, or an entry in ~/.netrc, or a --password-command`,
      `if there is none, as with a key in the place of the user, end the user with a colon: ${scheme}://KEY:@${place}`,
      'nobody can be asked: there is no terminal and no SSH_ASKPASS, or tunl runs already and reads its files again',
    );
  }
  return { password: checkPassword(answer, 'the password that was given'), from: 'the answer to a question' };
}
