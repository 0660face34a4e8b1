import { TunlError } from '../../core/errors.ts';
import type { NamedWay } from '../ways/result.ts';
import type { Exceptions } from './exceptions.ts';

/** The settings for proxies of a desktop or an operating system, as far as they matter to tunnels. */
export type SystemSettings =
  | { readonly kind: 'none' }
  /** The URL of a PAC file: `http:`, `https:` or `file:`. */
  | { readonly kind: 'pac'; readonly url: string }
  | { readonly kind: 'manual'; readonly ways: readonly NamedWay[]; readonly exceptions: Exceptions };

/** Settings with the name of the place that they come from. */
export interface ReadSettings {
  readonly from: string;
  readonly settings: SystemSettings;
}

/** The facilities by which settings are read. */
export interface SettingsEnv {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * Runs a program of the system and returns its output.
   * @throws {Error} with the code ENOENT if there is no such program, and if it fails
   */
  readonly run: (program: string, args: readonly string[]) => Promise<string>;
  /** Reads a file. @throws {Error} */
  readonly readFile: (path: string) => Promise<string>;
}

/** Makes the error for settings that tunl cannot follow, or cannot read. */
export function settingsError(message: string, ...hints: string[]): TunlError {
  return new TunlError('proxy_configuration_error', message, { side: 'self', phase: 'arguments', exit: 2, hints });
}

/** Makes the error for settings that leave the search for a PAC file to the network. */
export function discoveryError(from: string): TunlError {
  return settingsError(
    `${from} leaves it to the network to name a PAC file (WPAD), which tunl does not ask`,
    'if the network is to be trusted, write -x pac+http://wpad/wpad.dat',
  );
}
