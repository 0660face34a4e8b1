import { hasDomain, noPassword, type Scheme } from '../model/scheme.ts';

/** A hash of the password and of what the hop sent (RFC 7616, and RFC 2069 for older hops). */
export const digest: Scheme = {
  name: 'digest',
  title: 'Digest',
  binding: 'request',
  summary: 'a user and a password, of which a hash is sent',
  obstacle: ({ credentials }) => (credentials ? undefined : noPassword),
  isUnlikely: hasDomain,
  open: async ({ credentials }) => {
    const { openDigest } = await import('../digest/login.ts');
    return openDigest(credentials);
  },
};
