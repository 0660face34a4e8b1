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

/** Variables for this process alone: our passwords, and what a service manager has given to it (sd_listen_fds, sd_notify). */
const own =
  /^(?:TUNL_(?:PROXY|SERVE|KEY)_PASSWORD(?:_.*)?|NOTIFY_SOCKET|WATCHDOG_(?:PID|USEC)|LISTEN_(?:PID|FDS|FDNAMES))$/;

/** Returns the environment for a command of the user: without our passwords and what the service manager gave to us. */
export function commandEnvironment(env: Environment): Record<string, string | undefined> {
  return keep(env, (name) => !own.test(name));
}

/** Returns the environment for a program that we need ourselves: also without what changes how Node or tunl behave. */
export function helperEnvironment(env: Environment): Record<string, string | undefined> {
  return keep(env, (name) => !own.test(name) && !/^(?:TUNL_|NODE_)/.test(name));
}

function keep(env: Environment, isKept: (name: string) => boolean): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => isKept(name)));
}
