/** Variables that hold a password of ours. */
const secretVariable = /^TUNL_(?:PROXY|SERVE|KEY)_PASSWORD(?:_|$)/;

/** The environment for a program that we start: everything but our passwords. */
export function withoutSecrets(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !secretVariable.test(name)));
}
