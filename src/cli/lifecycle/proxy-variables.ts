import type { FrontAccess, FrontSpec } from '../../app/commands/options.ts';
import { type Address, formatAddress } from '../../core/address.ts';
import { usageError } from '../../core/errors.ts';
import { encodePercent } from '../../core/octets.ts';
import { urlSchemeOf } from '../../fronts/index.ts';
import { toPlace } from '../options/placeholders.ts';

/** The variables that programs read, also those that speak of one scheme of URLs alone. */
const names = ['http_proxy', 'https_proxy', 'all_proxy', 'HTTPS_PROXY', 'ALL_PROXY'] as const;

/**
 * A variable that is set only where it was before: many programs prefer it to `http_proxy`, and curl does not read it,
 * because in a CGI program the client of the web server sets it.
 */
const doubtfulName = 'HTTP_PROXY';

/** The front that a command is led to. */
export interface Lead extends FrontSpec {
  /** Its place among the listeners. */
  readonly index: number;
  /** The user and the password that the command is told; absent if the front wants none. */
  readonly login: FrontAccess['users']['single'] | undefined;
}

/**
 * Refuses a front that no URL can name, which a command would pass over without a word.
 * @throws {TunlError} usage
 */
export function assertNameable(front: string, address: Address): void {
  if (address.kind !== 'unix') return;
  throw usageError(
    `${front}:${formatAddress(address)} cannot be told to a command: http_proxy names a host and a port`,
    `write ${front}: for a free port of loopback`,
  );
}

/**
 * Returns the environment with the variables that lead a program to a front. What it says of exceptions (`NO_PROXY`)
 * stays.
 * @param addresses those of all listeners, now that they are open
 * @throws {TunlError} usage, if the front turns out to be on a Unix socket
 */
export function setProxyVariables(
  env: Readonly<Record<string, string | undefined>>,
  { front, index, listen, login }: Lead,
  addresses: readonly Address[],
): Record<string, string | undefined> {
  const address = addresses[index] ?? listen;
  assertNameable(front, address);
  const user = login ? `${encodePercent(login.user)}:${encodePercent(login.password)}@` : '';
  const url = `${urlSchemeOf(front)}://${user}${toPlace(address).addr}`;
  const doubtful = env[doubtfulName] === undefined ? [] : [doubtfulName];
  return { ...env, ...Object.fromEntries([...names, ...doubtful].map((name) => [name, url])) };
}
