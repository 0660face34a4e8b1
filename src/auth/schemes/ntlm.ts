import { noPassword, type Scheme } from '../model/scheme.ts';

/** NTLM with a user and a password: NTLMv2 only (MS-NLMP). */
export const ntlm: Scheme = {
  name: 'ntlm',
  title: 'NTLM',
  binding: 'connection',
  summary: 'a user, DOMAIN\\USER or USER@DOMAIN, and a password; NTLMv2 only',
  obstacle: ({ credentials }) => (credentials ? undefined : noPassword),
  open: async (hop) => (await import('../ntlm/login.ts')).openNtlm(hop),
};
