import { formatServiceName, type ServiceName } from './tokens.ts';

/** What the words of a Kerberos library mean for the user, most exact first. */
const causes: readonly (readonly [words: RegExp, hint: (name: string) => string])[] = [
  [
    /clock skew/i,
    () => 'the clock of this machine differs from that of the Kerberos server by more than it allows: set the clock',
  ],
  [
    /not found in kerberos database|target.*unknown|unknown.*principal|SEC_E_TARGET_UNKNOWN|80090303/i,
    (name) =>
      `Kerberos knows no service ${name}: the proxy's name may be an alias, so ask for its real name: ?spn=HTTP/NAME`,
  ],
  [
    /cannot (?:contact|find|resolve|locate).*\bkdc\b|no logon servers|80090311/i,
    () => 'the Kerberos server cannot be reached: is the VPN up?',
  ],
  [/expired/i, () => 'the Kerberos ticket has expired: run kinit'],
  [
    /no credentials|credentials were unavailable|no kerberos credentials|credentials cache|no ticket|8009030e/i,
    () => 'there is no Kerberos ticket: run kinit USER@REALM, and klist shows what is there',
  ],
];

/** Finds advice for the reason that a Kerberos library gave. */
export function hintsFor(words: string, name: ServiceName): string[] {
  const [, hint] = causes.find(([pattern]) => pattern.test(words)) ?? [];
  return hint ? [hint(formatServiceName(name))] : [];
}
