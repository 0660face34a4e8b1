import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CertFiles } from '../support/origin.ts';
import { type Login, type Part, startPart } from '../support/part.ts';
import { cacheFolder, makeFolder } from '../support/workspace.ts';
import type { Realm } from './kerberos.ts';
import { squidDomain } from './squid.ts';

const program: string = fileURLToPath(new URL('manner-proxy.py', import.meta.url));
const python = join(cacheFolder, 'spnego/bin/python');

/** False where setup.sh could not install pyspnego. */
export const hasSpnego: boolean = existsSync(python);

/** The manner in which a proxy asks for credentials, as `manner-proxy.py` explains it. */
export interface Manner {
  readonly schemes: readonly string[];
  readonly algorithms?: readonly string[];
  readonly qop?: 'auth' | '';
  readonly userhash?: true;
  readonly uses?: number;
  readonly body?: number;
  readonly oneField?: true;
  readonly close?: 'first' | 'all' | 'silent';
  readonly early?: true;
}

/** What a proxy runs with, beside its manner. */
export interface MannerOptions {
  /** With a certificate it speaks TLS, and demands that NTLM and Negotiate are bound to it. */
  readonly tls?: CertFiles;
  /** The realm whose tickets it takes. */
  readonly realm?: Realm;
}

/** Starts a proxy for one user that asks in this manner. */
export function startMannerProxy(login: Login, manner: Manner, { tls, realm }: MannerOptions = {}): Promise<Part> {
  const users = join(makeFolder('manner-users'), 'users');
  const line = (domain: string) => `${domain}:${login.user}:${login.password}\n`;
  writeFileSync(users, `${line(squidDomain)}${line('')}`);
  const env = {
    NTLM_USER_FILE: users,
    // NTLMv2 alone.
    LM_COMPAT_LEVEL: '5',
    ...(realm && { ...realm.env, KRB5_KTNAME: `FILE:${realm.keytab}` }),
  };
  return startPart('manner-proxy', (port) => {
    const options = { ...manner, ...login, port, domain: squidDomain, ...(tls && { tls: [tls.cert, tls.key] }) };
    return { file: python, args: [program, JSON.stringify(options)], env };
  });
}
