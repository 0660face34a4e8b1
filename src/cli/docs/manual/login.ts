import { schemeNames } from '../../../auth/settings.ts';
import type { Section } from './roff.ts';

/** The section about what proxies that ask for a login are told, and what was tried with them. */
export const login: Section = {
  title: 'LOGIN AT A PROXY',
  blocks: [
    `A proxy that answers 407 asks who you are. Of the schemes that it offers, tunl begins the first of ${schemeNames.join(', ')} for which it has what is needed; for a user \`DOMAIN\\USER\` \`ntlm\` comes before \`digest\`. \`--proxy-auth\` or \`?auth=\` names others, in their order.`,
    {
      term: 'What is sent to whom',
      text: 'Each proxy of a chain gets its own credentials and no others. Tokens and tickets go to proxies of `-x`, of the environment and of the hosts that `?trust=` names; a proxy that a PAC file names gets no more than what `~/.netrc` has for exactly its host. A proxy that asks with 401 gets nothing, unless it is a `post` or `ws` server, which asks so.',
    },
    {
      term: 'When',
      text: 'Without `auth` a user and a password go with the first request, by Basic, unless the user has a domain; so does a token, and so does the scheme that the proxy is known to accept. With `auth=auto` nothing is sent before the proxy has asked. A scheme that it does not offer is never begun. A password that was checked and refused is sent by no other scheme, and for ten minutes not again.',
    },
    {
      term: 'What is remembered',
      text: 'The scheme that a proxy has accepted, its realm, and whether it closes the connection after it has asked: in the process, and by connect and check for a week in `proxies.json` of the cache folder. No secret is. `--no-cache` neither reads nor writes it, nor what was found of half-close, nor the mode that worked for `auto+https://`.',
    },
    {
      term: 'What was tried',
      text: 'Squid with Basic, Digest, NTLM (with Samba) and Kerberos (MIT), a proxy whose NTLM and Kerberos are those of pyspnego, channel bindings included, and Digest with curl on the other side. What was not tried: single sign-on by SSPI of Windows and by GSS of macOS, and the appliances of vendors (ISA, TMG, Blue Coat, Zscaler), whose manners are taken from reports of others. `docs/authentication.md` in the package has the table.',
    },
  ],
};
