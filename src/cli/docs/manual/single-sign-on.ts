import type { Section } from './roff.ts';

/** The section about proxies that know users by their Kerberos tickets. */
export const singleSignOn: Section = {
  title: 'SINGLE SIGN-ON',
  blocks: [
    'A proxy that asks for `Negotiate` gets a Kerberos token of the user who is logged on, made from the ticket that `kinit` or the logon has left. It is made for `HTTP/`HOST, with the host of the proxy as its URL has it. Where Kerberos knows the proxy by another name, because that host is an alias or an address, `spn=HTTP/`NAME in the URL gives it. Tokens go to proxies of `-x` and of the environment only; each tunnel has its own, and none goes anywhere else.',
    {
      term: 'The npm package koffi',
      text: 'is used if it is installed beside tunl (version 3.3 or later; never in the single executable): tunl calls GSSAPI, or SSPI on Windows. Tokens have the channel binding of the TLS connection to the proxy, and if a proxy that accepts sends a proof of its own, the tunnel is opened only if the proof is right.',
    },
    {
      term: '`curl`',
      text: 'of the system is used otherwise, if `curl -V` lists SPNEGO. It asks tunl itself, on a port of 127.0.0.1, for a name that exists nowhere, and its tokens are passed on. They have no channel binding, and proofs of proxies are not checked. At most eight run at a time.',
    },
    'MIT Kerberos on Linux was tested, with squid as the proxy. SSPI of Windows, GSS of macOS and Heimdal are written after their documentation and were not tested.',
  ],
};
