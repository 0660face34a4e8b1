/** Variables with our passwords. */
const secretVariable = /^TUNL_(?:PROXY|SERVE|KEY)_PASSWORD(?:_|$)/;

/** Returns the environment without our passwords, for a program that we start. */
export function withoutSecrets(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !secretVariable.test(name)));
}
