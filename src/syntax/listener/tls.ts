import type { StageSetting, ValuesOf } from '../stage-settings.ts';

/** The files with which a listener speaks TLS, and what they say of clients. */
export const listenerTlsSettings = [
  {
    kind: 'file',
    key: 'cert',
    flag: 'cert',
    field: 'cert',
    summary: 'certificate of the server, a PEM file, or PKCS #12 with its key',
    fallback: 'a development certificate',
  },
  {
    kind: 'file',
    key: 'key',
    flag: 'key',
    field: 'key',
    summary: 'its key, a PEM file',
    fallback: 'the file of --cert',
  },
  {
    kind: 'file',
    key: 'client-ca',
    flag: 'client-ca',
    field: 'clientCa',
    summary: 'authorities: clients need a certificate of one of them, unless client-cert says optional',
  },
  {
    kind: 'choice',
    key: 'client-cert',
    field: 'clientCert',
    summary: 'whether clients without a certificate may come; one with a bad certificate never may',
    values: ['required', 'optional'],
    fallback: 'required, with client-ca',
  },
  {
    kind: 'names',
    key: 'client-name',
    field: 'clientNames',
    summary: 'names, one of which the certificate of a client must have: DNS:NAME, IP:ADDRESS or URI:TEXT',
  },
  {
    kind: 'socket',
    key: 'spiffe',
    flag: 'spiffe',
    field: 'spiffe',
    summary: 'take certificate, key and authorities from the SPIFFE agent there, as it renews them',
  },
] as const satisfies readonly StageSetting[];

/** The values of these settings. */
export type ListenerTlsFiles = ValuesOf<typeof listenerTlsSettings>;
