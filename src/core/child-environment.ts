type Environment = Readonly<Record<string, string | undefined>>;

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
