import type { Ip } from '../core/address.ts';
import { abortReason } from '../core/deadline.ts';
import { TunlError } from '../core/errors.ts';
import { fileKnowsMoreHosts } from './nsswitch.ts';
import type { SystemLookup } from './system-lookup.ts';

/** Options of lookups by the system. Default: those of this machine. */
export interface SystemNames {
  readonly lookup?: SystemLookup;
  readonly platform?: NodeJS.Platform;
  readonly nsswitchPath?: string;
}

/** Loads the code that runs helper processes at its first use. */
const lookupByHelper: SystemLookup = async (...question) => {
  const { systemLookup } = await import('./system-lookup.ts');
  return systemLookup(...question);
};

/**
 * Asks the system for addresses, or with `both` the name servers first where that gives the same answers.
 * @throws {Error} the error of `askServers` or of the lookup, or the signal's reason
 */
export async function askSystemToo(
  { resolver, lookup = lookupByHelper, ...options }: SystemNames & { readonly resolver: 'system' | 'both' },
  { host, family }: { readonly host: string; readonly family: 4 | 6 | undefined },
  askServers: () => Promise<readonly Ip[]>,
  signal: AbortSignal,
): Promise<readonly Ip[]> {
  const askSystem = () => lookup(host, family, signal);
  if (resolver === 'system' || isSystemFirst(options)) return askSystem();
  try {
    return await askServers();
  } catch (error) {
    if (!(error instanceof TunlError) || error.facts.rcode !== 'NXDOMAIN') throw error;
    return askSystem().catch(() => {
      throw signal.aborted ? abortReason(signal) : error;
    });
  }
}

/** True on systems whose answers depend on the network, or on other sources, in ways that only the system knows. */
function isSystemFirst({ platform = process.platform, nsswitchPath = '/etc/nsswitch.conf' }: SystemNames): boolean {
  return platform === 'darwin' || platform === 'win32' || fileKnowsMoreHosts(nsswitchPath);
}
