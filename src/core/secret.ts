import { inspect } from 'node:util';

/** A value that prints as `‹redacted›` in logs, errors, JSON and `util.inspect`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** Returns the value itself. Call it only to write or to compare the bytes. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '‹redacted›';
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** A user name with its password, for one hop or one request. */
export interface Credentials {
  readonly user: string;
  readonly password: Secret;
}

/** A digest of a password that a client sent in place of it (RFC 7616), and the request that it is about. */
export interface DigestProof {
  readonly user: string;
  /** The parameters by their names in lower case. */
  readonly params: ReadonlyMap<string, string>;
  readonly method: string;
  /** The request target as it was sent. */
  readonly target: string;
}

/** A source of the password for a key that turned out to be encrypted. */
export interface KeyPassword {
  /** True if the password is known without asking anybody. */
  readonly isGiven: boolean;
  /**
   * Finds the password.
   * @param key the name of the key in a question to the user
   * @returns the password and a description of its source; undefined if there is none
   */
  readonly find: (key: string) => Promise<{ readonly password: Secret; readonly from: string } | undefined>;
}

/** Header fields whose values grant access. */
const secretFields: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'tunl-resume',
  'tunl-poll',
]);

/** True for a field whose value grants access: it is never shown, and sent to its addressee only. */
export function isSecretField(name: string): boolean {
  return secretFields.has(name.toLowerCase());
}
