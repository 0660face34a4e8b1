import type { Credentials } from '../../core/secret.ts';
import { encodeOctets } from '../../core/octets.ts';
import type { Challenge } from '../model/challenge.ts';
import { hasDomain, type HopLogin, noPassword, type Scheme, type Step, wrongPassword } from '../model/scheme.ts';

/** Formats the value of a field with Basic credentials (RFC 7617). */
export function formatBasic({ user, password }: Credentials): string {
  return `Basic ${encodeOctets(`${user}:${password.reveal()}`).toString('base64')}`;
}

/** The password itself, readable to everybody on the way (RFC 7617). */
export const basic: Scheme = {
  name: 'basic',
  title: 'Basic',
  binding: 'request',
  summary: 'a user and a password, sent as they are',
  obstacle: ({ credentials }) => (credentials ? undefined : noPassword),
  isUnlikely: hasDomain,
  open: ({ credentials }) => Promise.resolve(openBasic(credentials)),
};

function openBasic(credentials: Credentials | undefined): HopLogin {
  return {
    begin() {
      let isSent = false;
      const send = (): Step => {
        if (!credentials) return { kind: 'unable', reason: noPassword };
        isSent = true;
        return { kind: 'send', credentials: formatBasic(credentials) };
      };
      return {
        start: () => Promise.resolve(send()),
        answer: ([challenge]) => Promise.resolve(isSent ? readRefusal(challenge) : send()),
      };
    },
  };
}

/** A proxy that does not offer Basic has not looked at the password. */
function readRefusal(challenge: Challenge | undefined): Step {
  return challenge ? { kind: 'refused', reason: wrongPassword } : { kind: 'unable', reason: 'it does not offer it' };
}
