import { usageError } from '../core/errors.ts';
import { type Credentials, Secret } from '../core/secret.ts';
import { hasControls, isUserName, loadHtpasswd } from './htpasswd.ts';
import { keepPassword, type StoredPassword } from './password.ts';
import { UserTable } from './users.ts';

/** The sources of a server's users. Both may be given; with neither, everyone is served. */
export interface UserSources {
  /** Path of an htpasswd file. */
  readonly authFile?: string;
  readonly single?: { readonly user: string; readonly password: string };
}

/** Authenticates the users of a server. */
export interface Authenticator {
  /** False if no users were configured, so that clients need no credentials. */
  readonly required: boolean;
  /**
   * Returns the user's name if the credentials are right. The work is the same whether the user exists or not.
   * @throws {TunlError} the signal's reason, while it waits for its turn
   */
  authenticate(credentials: Credentials | undefined, signal: AbortSignal): Promise<string | undefined>;
  /**
   * Reads the files again. Calls run one after the other, so that the result of the last one stays.
   * @throws {TunlError} usage, if a file is wrong; the users stay as they were
   */
  reload(): Promise<void>;
}

/**
 * Loads the users of a server.
 * @throws {TunlError} usage, if a configured secret cannot be read, is empty, or cannot be sent: such a server must not
 * start, least of all without authentication
 */
export async function createAuthenticator(sources: UserSources): Promise<Authenticator> {
  let table = await loadUsers(sources);
  let lastReload = Promise.resolve();
  const read = async (): Promise<void> => {
    table = await loadUsers(sources);
  };
  return {
    required: sources.authFile !== undefined || sources.single !== undefined,
    async authenticate(credentials, signal) {
      if (credentials === undefined) return undefined;
      return (await table.verify(credentials, signal)) ? credentials.user : undefined;
    },
    reload() {
      lastReload = lastReload.then(read, read);
      return lastReload;
    },
  };
}

async function loadUsers({ authFile, single }: UserSources): Promise<UserTable> {
  const users = new Map<string, StoredPassword>(authFile === undefined ? [] : await loadHtpasswd(authFile));
  if (single !== undefined) {
    assertSendable(single);
    if (users.has(single.user)) throw usageError(`user ${JSON.stringify(single.user)} is in ${authFile} as well`);
    users.set(single.user, keepPassword(new Secret(single.password)));
  }
  return new UserTable(users);
}

function assertSendable({ user, password }: { readonly user: string; readonly password: string }): void {
  const name = JSON.stringify(user);
  if (!isUserName(user)) throw usageError(`${name} cannot be a user name`, 'a name is not empty and has no colon');
  if (password === '') throw usageError(`the password of user ${name} is empty`);
  if (hasControls(password)) throw usageError(`the password of user ${name} holds a control character`);
}
