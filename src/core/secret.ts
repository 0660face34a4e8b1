import { inspect } from 'node:util';

/** A value that prints as `‹redacted›` in logs, errors, JSON and `util.inspect`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Call it only where the bytes are written or compared. */
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

/** Finds the password of a key, once it is known to be encrypted. */
export interface KeyPassword {
  /** There is one, and nobody needs to be asked for it. */
  readonly isGiven: boolean;
  /**
   * @param key names the key in a question
   * @returns the password and where it is from, in words; undefined where there is none
   */
  readonly find: (key: string) => Promise<{ readonly password: Secret; readonly from: string } | undefined>;
}

/** Fields whose values let somebody in. */
const secretFields: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie']);

/** True for a field whose value lets somebody in: it is shown to nobody, and goes to whom it is meant for alone. */
export function isSecretField(name: string): boolean {
  return secretFields.has(name.toLowerCase());
}
