import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Part, type PartPlan, startPart } from '../support/part.ts';
import { run } from '../support/process.ts';
import { makeFolder } from '../support/workspace.ts';

/** The only user of the realm. */
const user = { name: 'alice', password: 'wonder' };

/** The name of the realm. */
export const realmName = 'TUNL.TEST';

/** A realm of Kerberos on this machine, with one service: HTTP/localhost. */
export interface Realm extends Part {
  /** The variables with which programs find the realm. */
  readonly env: Readonly<Record<string, string>>;
  /** The service, with its realm. */
  readonly spn: string;
  /** The file with the key of the service. */
  readonly keytab: string;
  /** Gets a ticket into a file of its own. Returns the variables of a user who has it. */
  logOn(): Promise<Readonly<Record<string, string>>>;
  /** The variables of a user who has none. */
  readonly loggedOff: Readonly<Record<string, string>>;
}

/** Starts MIT's server of Kerberos. Names are taken as they are written, so that nothing is looked up. */
export async function startRealm(): Promise<Realm> {
  const folder = makeFolder('realm');
  const keytab = join(folder, 'http.keytab');
  const env = { KRB5_CONFIG: join(folder, 'krb5.conf'), KRB5_KDC_PROFILE: join(folder, 'kdc.conf') };
  const plan: PartPlan = async (port) => {
    writeFileSync(env.KRB5_CONFIG, clientSettings(port));
    writeFileSync(env.KRB5_KDC_PROFILE, serverSettings(port, folder));
    await administer(env, keytab);
    return { file: 'krb5kdc', args: ['-n'], env };
  };
  const part = await startPart('krb5kdc', plan);
  const found = { KRB5_CONFIG: env.KRB5_CONFIG };
  let caches = 0;
  return {
    ...part,
    env: found,
    spn: `HTTP/localhost@${realmName}`,
    keytab,
    loggedOff: { ...found, KRB5CCNAME: `FILE:${join(folder, 'none')}` },
    async logOn() {
      const cache = `FILE:${join(folder, `tickets-${++caches}`)}`;
      await must('kinit', ['-c', cache, user.name], found, `${user.password}\n`);
      return { ...found, KRB5CCNAME: cache };
    },
  };
}

/** Makes the database anew: a former try may have left one for another port. */
async function administer(env: Readonly<Record<string, string>>, keytab: string): Promise<void> {
  await run({ file: 'kdb5_util', args: ['destroy', '-f'], env });
  await must('kdb5_util', ['create', '-s', '-P', 'master', '-r', realmName], env);
  const orders = [
    `addprinc -pw ${user.password} ${user.name}`,
    'addprinc -randkey HTTP/localhost',
    `ktadd -k ${keytab} HTTP/localhost`,
  ];
  await must('kadmin.local', [], env, orders.map((order) => `${order}\n`).join(''));
  // Proxies that give up root read it.
  chmodSync(keytab, 0o644);
}

async function must(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  input = '',
): Promise<void> {
  const { code, stderr } = await run({ file, args, env }, { input });
  if (code !== 0) throw new Error(`${file} ended with ${code}: ${stderr}`);
}

const clientSettings = (port: number) => `[libdefaults]
 default_realm = ${realmName}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 ${realmName} = {
  kdc = 127.0.0.1:${port}
 }
[domain_realm]
 localhost = ${realmName}
`;

const serverSettings = (port: number, folder: string) => `[kdcdefaults]
 kdc_listen = 127.0.0.1:${port}
 kdc_tcp_listen = 127.0.0.1:${port}
[realms]
 ${realmName} = {
  database_name = ${folder}/principal
  key_stash_file = ${folder}/stash
  acl_file = ${folder}/acl
  max_life = 1h
  supported_enctypes = aes256-cts-hmac-sha1-96:normal
 }
`;
