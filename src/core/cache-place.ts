import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** Returns the folder for files that can be made again: that of XDG, or of the operating system. */
export function findCacheFolder(env: Environment): string {
  const given = env['XDG_CACHE_HOME'];
  // The specification of XDG says that a relative path is to be ignored.
  const folder = given && isAbsolute(given) ? given : join(env['HOME'] || homedir(), '.cache');
  return join(folder, 'tunl');
}

/** True if the environment names a place for the caches of a user. */
export function hasCachePlace(env: Environment): boolean {
  return ['XDG_CACHE_HOME', 'HOME', 'USERPROFILE'].some((name) => env[name]);
}

/** Names of the files in that folder in which later runs find what earlier ones learned about proxies. */
export const cacheFiles = { proxies: 'proxies.json', ends: 'half-close.json', modes: 'modes.json' } as const;
