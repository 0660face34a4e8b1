import { commandEnvironment } from '../../core/environment.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A URL with user information, as variables that name proxies have it. */
const withUser = /:\/\/[^/\s]*@/;

/** Divides an environment into what a process may inherit and what it is told otherwise: what is ours alone, and URLs with users. */
export function splitEnvironment(env: Environment): { readonly open: Environment; readonly secret: Environment } {
  const open = Object.fromEntries(
    Object.entries(commandEnvironment(env)).filter(([, value]) => !withUser.test(value ?? '')),
  );
  const secret = Object.fromEntries(Object.entries(env).filter(([name]) => !(name in open)));
  return { open, secret };
}
