import { type Address, formatAddress } from '../core/address.ts';
import { usageError } from '../core/errors.ts';
import { isLoopback } from '../core/ip.ts';

/** Facts that decide whether a server may start. */
export interface Exposure {
  /** The addresses on which it listens; for an inherited descriptor, the address to which it is bound. */
  readonly listen: readonly Address[];
  readonly hasUsers: boolean;
  /** True if clients must show a certificate from a given authority. */
  readonly hasClientCa: boolean;
  /** True if the user explicitly allowed everyone to use it. */
  readonly open: boolean;
}

/**
 * Refuses to start an open proxy by accident.
 * @throws {TunlError} usage, if other machines can reach a listener without authentication
 */
export function assertNotOpen({ listen, hasUsers, hasClientCa, open }: Exposure): void {
  const exposed = listen.find((address) => !isLoopback(address));
  if (exposed === undefined || hasUsers || hasClientCa || open) return;
  throw usageError(
    `refusing to serve ${formatAddress(exposed)} without authentication`,
    'add users with --auth-file FILE or --user NAME, or ask for certificates with --client-ca FILE',
    'or listen on 127.0.0.1 only, or say --open to let everyone use this proxy',
  ).with({ setting: 'listen' });
}

/**
 * Refuses to let strangers choose the upstream of their requests by a header field.
 * @throws {TunlError} usage, if other machines can reach a listener without a user or a certificate
 */
export function assertChoiceNotOpen(
  { listen, hasUsers, hasClientCa, open }: Exposure,
  why = 'an upstream that a field of the request names turns the stage into an open proxy',
): void {
  const exposed = listen.find((address) => !isLoopback(address));
  if (exposed === undefined || hasUsers || hasClientCa || open) return;
  throw usageError(
    `refusing to let everyone who reaches ${formatAddress(exposed)} choose where requests go`,
    why,
    'listen on 127.0.0.1, give the stage users, ask for certificates of a given authority, or give it open: true',
  ).with({ setting: 'listen' });
}

/**
 * Refuses to let strangers administer the program by accident: its clients may end tunnels and the program.
 * @throws {TunlError} usage, if other machines can reach it and the user did not allow that
 */
export function assertAdminNotOpen({ listen, open }: { readonly listen: Address; readonly open: boolean }): void {
  if (open || isLoopback(listen)) return;
  throw usageError(
    `refusing to open the admin address on ${formatAddress(listen)}, which other machines can reach`,
    'use 127.0.0.1 or unix:PATH, or say --admin-open (in a file: admin: { listen: ADDRESS, open: true })',
    'anyone who can reach it sees every tunnel and can stop the program',
  ).with({ setting: 'admin' });
}
