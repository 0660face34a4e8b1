import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import type { CertFiles } from '../support/origin.ts';
import { type Login, type Part, type PartPlan, startPart } from '../support/part.ts';
import { makeFolder, workspaceName } from '../support/workspace.ts';
import type { Realm } from './kerberos.ts';

let instances = 0;

/** Rules of a squid that everybody may use to go everywhere. */
const openRules = 'http_access allow all';

/** The settings in which one squid may differ from another. */
export interface SquidOptions {
  /** Lines of its configuration that say who may go where; default: everybody, and CONNECT to every port. */
  readonly rules?: string;
  /** With a certificate it speaks TLS with its clients. */
  readonly tls?: CertFiles;
  /** The port of 127.0.0.1 that it is a front end for; by default it is a proxy. */
  readonly backendPort?: number;
  /** Variables for it and its helpers. */
  readonly env?: Readonly<Record<string, string>>;
  /** The port that another squid had before; by default a free port. */
  readonly port?: number;
}

/** Starts squid without a cache. */
export function startSquid({
  rules = openRules,
  tls,
  backendPort,
  env,
  port: formerPort,
}: SquidOptions = {}): Promise<Part> {
  const plan: PartPlan = (port, folder) => {
    // Squids share memory with those of the same service name; letters and digits only.
    const name = `${workspaceName}squid${++instances}`;
    const logFile = join(folder, 'cache.log');
    const config = join(folder, 'squid.conf');
    const front = backendPort === undefined ? '' : ' accel defaultsite=127.0.0.1 no-vhost';
    const backend = `cache_peer 127.0.0.1 parent ${backendPort} 0 no-query no-digest originserver`;
    writeFileSync(
      config,
      `${tls ? 'https_port' : 'http_port'} 127.0.0.1:${port}${tls ? ` tls-cert=${tls.cert} tls-key=${tls.key}` : ''}${front}
${backendPort === undefined ? '' : backend}
visible_hostname ${name}
cache_effective_user proxy
pid_filename ${join(folder, 'squid.pid')}
coredump_dir ${folder}
cache_log ${logFile}
access_log none
netdb_filename none
pinger_enable off
cache deny all
${rules}
shutdown_lifetime 0 seconds
`,
    );
    return { file: 'squid', args: ['-N', '-n', name, '-f', config], logFile, ...(env && { env }) };
  };
  return startPart('squid', plan, formerPort);
}

/** Starts squid for one user. */
export function startGuardedSquid(login: Login): Promise<Part> {
  return startSquid({ rules: `${allowBasic(login)}\n${knownUsers}` });
}

/** Starts squid for the users of a realm of Kerberos, and for one with a password if there is a login. */
export function startKerberosSquid(realm: Realm, login?: Login): Promise<Part> {
  const rules = [allowTickets(realm), ...(login ? [allowBasic(login)] : []), knownUsers];
  return startSquid({ rules: rules.join('\n'), env: helperEnv(realm) });
}

/** Starts squid with every scheme: for the users of a realm, and for one with a password. */
export function startEverySquid(realm: Realm, login: Login): Promise<Part> {
  const rules = [allowTickets(realm), allowNtlm(login), allowDigest(login), allowBasic(login), knownUsers];
  return startSquid({ rules: rules.join('\n'), env: helperEnv(realm) });
}

/** The domain of the users in NTLM. */
export const squidDomain = 'CORP';

/** Starts squid for one user by NTLM, and also by Basic if asked to. */
export function startNtlmSquid(login: Login, more: { readonly basic?: true } = {}): Promise<Part> {
  return startSquid({ rules: [allowNtlm(login), ...(more.basic ? [allowBasic(login)] : []), knownUsers].join('\n') });
}

/** Starts squid for one user by Digest. */
export function startDigestSquid(login: Login): Promise<Part> {
  return startSquid({ rules: `${allowDigest(login)}\n${knownUsers}` });
}

/** The helper for tickets remembers none, so that many squids can run. */
function helperEnv({ env }: Realm): Readonly<Record<string, string>> {
  return { ...env, KRB5RCACHENAME: 'none:' };
}

function allowTickets({ keytab, spn }: Realm): string {
  return `auth_param negotiate program /usr/lib/squid/negotiate_kerberos_auth -k ${keytab} -s ${spn}
auth_param negotiate children 20 startup=2 idle=2
auth_param negotiate keep_alive on`;
}

/** Samba checks NTLM without a domain controller. A helper belongs to one handshake until that is over. */
function allowNtlm({ user, password }: Login): string {
  const account = `--username=${user} --password=${password} --domain=${squidDomain}`;
  return `auth_param ntlm program /usr/bin/ntlm_auth --helper-protocol=squid-2.5-ntlmssp ${account}
auth_param ntlm children 30 startup=4 idle=4
auth_param ntlm keep_alive on`;
}

/** MD5 is the only algorithm that squid has. */
function allowDigest({ user, password }: Login): string {
  const users = join(makeFolder('squid-digest'), 'users');
  writeFileSync(users, `${user}:corp:${createHash('md5').update(`${user}:corp:${password}`).digest('hex')}\n`);
  return `auth_param digest program /usr/lib/squid/digest_file_auth -c ${users}
auth_param digest children 1
auth_param digest realm corp
auth_param digest nonce_max_count 1000`;
}

const knownUsers = `acl users proxy_auth REQUIRED
http_access allow users
http_access deny all`;

function allowBasic({ user, password }: Login): string {
  const users = join(makeFolder('squid-users'), 'users');
  writeFileSync(users, `${user}:${hashSync(password, 4)}\n`);
  return `auth_param basic program /usr/lib/squid/basic_ncsa_auth ${users}`;
}
