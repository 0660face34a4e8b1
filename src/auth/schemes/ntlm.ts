import { formatPlace } from '../../core/hop.ts';
import { noPassword, type Scheme } from '../model/scheme.ts';

/** NTLM with a user and a password: NTLMv2 only (MS-NLMP). */
export const ntlm: Scheme = {
  name: 'ntlm',
  title: 'NTLM',
  binding: 'connection',
  summary: 'a user, DOMAIN\\USER or USER@DOMAIN, and a password; NTLMv2 only',
  obstacle: ({ credentials }) => (credentials ? undefined : noPassword),
  open: async ({ credentials, address }) => {
    const { openNtlm } = await import('../ntlm/login.ts');
    return openNtlm(credentials, `HTTP/${address.kind === 'tcp' ? address.host : formatPlace(address)}`);
  },
};
