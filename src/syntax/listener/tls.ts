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
    summary: 'only clients with a certificate of these authorities',
  },
  {
    kind: 'choice',
    key: 'client-cert',
    field: 'clientCert',
    summary: 'whether clients without one may come; a bad one never may',
    values: ['required', 'optional'],
    usual: 'required',
  },
  {
    kind: 'names',
    key: 'client-name',
    field: 'clientNames',
    summary: 'names of which clients have one: DNS:NAME, IP:ADDRESS, URI:TEXT',
  },
  {
    kind: 'socket',
    key: 'spiffe',
    flag: 'spiffe',
    field: 'spiffe',
    summary: 'take all three from the SPIFFE agent there, as it renews them',
  },
] as const satisfies readonly StageSetting[];

/** The values of these settings. */
export type ListenerTlsFiles = ValuesOf<typeof listenerTlsSettings>;
