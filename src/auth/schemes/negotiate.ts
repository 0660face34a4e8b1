import type { HopSetting } from '../../core/carrier.ts';
import { parseSpn, readServiceName, spnName } from '../negotiate/service-name.ts';
import type { Scheme } from '../model/scheme.ts';

/** Settings of a hop for Negotiate. */
export const negotiateSettings: readonly HopSetting[] = [
  {
    name: spnName,
    summary: 'name of the proxy in Kerberos, HTTP/NAME; default: HTTP/ and its host',
    parse: parseSpn,
  },
];

/** Single sign-on with the Kerberos ticket of the user who is logged on (RFC 4559). */
export const negotiate: Scheme = {
  name: 'negotiate',
  title: 'Negotiate',
  binding: 'connection',
  summary: 'the Kerberos ticket of the user who is logged on',
  obstacle(hop) {
    if (hop.signOn === false) return 'its host is not one that you named';
    if (!readServiceName(hop)) return 'an address has no name in Kerberos (spn=HTTP/NAME gives it one)';
    return undefined;
  },
  open: async (hop) => {
    const { openNegotiate } = await import('../negotiate/login.ts');
    return openNegotiate(hop);
  },
};
