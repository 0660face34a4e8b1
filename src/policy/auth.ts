import { usageError } from '../core/errors.ts';
import type { Peer } from '../core/link.ts';
import { type Credentials, type DigestProof, Secret } from '../core/secret.ts';
import { hasControl } from '../syntax/text.ts';
import { addUser, type DigestKeys, type DigestVerdict, verifyDigest, writeChallenges } from './digest.ts';
import { isUserName, loadHtpasswd } from './htpasswd.ts';
import { keepPassword, type StoredPassword } from './password.ts';
import { Nonces } from './nonces.ts';
import { Penalties } from './penalties.ts';
import { UserTable } from './users.ts';

/** The sources of a server's users. Both may be given; with neither, everyone is served. */
export interface UserSources {
  /** Path of an htpasswd file, which may have lines of htdigest. */
  readonly authFile?: string;
  readonly single?: { readonly user: string; readonly password: string };
}

/** Authenticates the users of a server. */
export interface Authenticator {
  /** False if no users were configured, so that clients need no credentials. */
  readonly required: boolean;
  /**
   * Returns the user's name if the credentials are right. The work is the same whether the user exists or not. Wrong ones
   * make the next attempt of this user from this peer's source wait.
   * @throws {TunlError} the signal's reason, while it waits for its turn
   */
  authenticate(credentials: Credentials | undefined, signal: AbortSignal, peer?: Peer): Promise<string | undefined>;
  /** Does the same with a digest. A stale one would be right with a new nonce. */
  verifyDigest(proof: DigestProof, signal: AbortSignal, peer?: Peer): Promise<DigestVerdict>;
  /** Returns the challenges of Digest; none if no user may use it. */
  digestChallenges(isStale: boolean): readonly string[];
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
  let users = await loadUsers(sources);
  let lastReload = Promise.resolve();
  const [nonces, penalties] = [new Nonces(), new Penalties()];
  const read = async (): Promise<void> => {
    users = await loadUsers(sources);
  };
  return {
    required: sources.authFile !== undefined || sources.single !== undefined,
    async authenticate(credentials, signal, peer = {}) {
      if (credentials === undefined) return undefined;
      const { user } = credentials;
      return (await users.table.verify(credentials, signal, penalties.gate(peer, user))) ? user : undefined;
    },
    async verifyDigest(proof, signal, peer = {}) {
      const gate = penalties.gate(peer, proof.user);
      // Others of the same user and source may have been wrong meanwhile.
      do await gate.wait(signal);
      while (gate.isShut);
      const verdict = users.digest ? verifyDigest(users.digest, nonces, proof) : 'wrong';
      // A digest with an old nonce may be somebody else's, repeated.
      if (verdict !== 'stale') gate.tell(verdict === 'right');
      return verdict;
    },
    digestChallenges: (isStale) => (users.digest ? writeChallenges(users.digest, nonces, isStale) : []),
    reload() {
      lastReload = lastReload.then(read, read);
      return lastReload;
    },
  };
}

/** The users as they were read last. */
interface Users {
  readonly table: UserTable;
  readonly digest?: DigestKeys;
}

async function loadUsers({ authFile, single }: UserSources): Promise<Users> {
  const file = authFile === undefined ? undefined : await loadHtpasswd(authFile);
  const users = new Map<string, StoredPassword>(file?.passwords);
  if (single === undefined) return { table: new UserTable(users), ...(file?.digest && { digest: file.digest }) };
  const { user, password } = single;
  assertSendable(single);
  if (users.has(user)) throw usageError(`user ${JSON.stringify(user)} is in ${authFile} as well`);
  users.set(user, keepPassword(new Secret(password)));
  const digest = file?.digest && addUser(file.digest, user, password);
  return { table: new UserTable(users), ...(digest && { digest }) };
}

function assertSendable({ user, password }: { readonly user: string; readonly password: string }): void {
  const name = JSON.stringify(user);
  if (!isUserName(user)) throw usageError(`${name} cannot be a user name`, 'a name is not empty and has no colon');
  if (password === '') throw usageError(`the password of user ${name} is empty`);
  if (hasControl(password)) throw usageError(`the password of user ${name} holds a control character`);
}
