import { alice } from '../../../support/peers/asking-proxy.ts';
import { answerWith, writeRefusal } from '../../../support/peers/scripted-proxy.ts';
import { sshServer, through, answering, asking, type Manner } from './ways.ts';

const longAgo = new Date(Date.now() - 3 * 3_600_000).toUTCString();
const wrong = { ...alice, user: String.raw`CORP\alice`, password: 'not-this-one' };
const right = { ...wrong, password: alice.password };

/** Proxies that ask who we are, and what their answers tell. */
export const login: readonly Manner[] = [
  {
    name: 'wants a login that nobody has given',
    start: asking({ challenges: ['NTLM', 'Basic realm="corp"'] }),
    says: [
      '[✓] asks for   NTLM, Basic (realm "corp")',
      '[✗] login      nothing was sent that it accepts',
      'no tunnel opens before the proxy knows who you are',
      'tunl connect -x http://USER@proxy 127.0.0.1:',
    ],
    exit: 67,
  },
  {
    name: 'accepts a login by NTLM, and closes after the first 407',
    start: asking({ challenges: ['Negotiate', 'NTLM'], close: 'first' }, right),
    says: [
      '[✓] asks for   Negotiate, NTLM; closes the connection after asking',
      String.raw`NTLM: accepted as CORP\alice, 2 rounds`,
      '[✓] CONNECT',
    ],
    exit: 0,
  },
  {
    name: 'refuses a password',
    start: asking({ challenges: ['NTLM', 'Basic realm="corp"'] }, wrong),
    says: [String.raw`[✗] login      the password of CORP\alice is not accepted`],
    exit: 67,
  },
  {
    name: 'asks as a web server does',
    start: answering(answerWith(writeRefusal('401 Unauthorized', ['WWW-Authenticate: Basic realm="corp"']))),
    says: ['[!] asks for   a login as a web server does, with 401 in place of 407'],
    exit: 67,
  },
  {
    name: 'lets nobody through who has logged in',
    start: asking(
      { challenges: ['Basic realm="corp"'], status: '403 Forbidden' },
      { user: 'alice', password: alice.password },
    ),
    says: ['[✓] login      accepted as alice', '[✗] CONNECT    proxy refused CONNECT 127.0.0.1:'],
    exit: 97,
  },
  {
    name: 'has another time',
    start: through(sshServer, { fields: [`Date: ${longAgo}`] }),
    says: ["[!] clock      ours is 3h ahead of the proxy's: Kerberos fails beyond 5m"],
    exit: 0,
  },
];
