import { type KeyPassword, Secret } from '../../core/secret.ts';
import { tlsNames, type TlsConfig } from '../../syntax/tls.ts';
import type { Arguments } from '../parse/arguments.ts';
import type { PasswordSources } from './credentials.ts';
import { asText, flag, option, type Option } from '../parse/option.ts';

/** The options that set TLS for every hop without TLS settings of its own. */
export const tlsOptions = {
  cacert: option('cacert', asText, {
    value: 'FILE',
    summary: 'trust the authorities in this PEM file instead of those of Node and the system',
    completes: 'file',
  }),
  cert: option('cert', asText, {
    value: 'FILE',
    summary: 'our certificate, a PEM file, or PKCS #12 with its key',
    completes: 'file',
  }),
  key: option('key', asText, {
    value: 'FILE',
    summary: 'its key, a PEM file; default: the file of --cert',
    completes: 'file',
  }),
  'key-password-file': option('key-password-file', asText, {
    value: 'FILE',
    summary: 'the first line is the password of the key; or set TUNL_KEY_PASSWORD',
    completes: 'file',
  }),
  servername: option('servername', asText, {
    value: 'NAME',
    summary: "send and verify this name instead of the proxy's host",
  }),
  pin: option('pin', asText, {
    value: 'PIN',
    summary: "accept this key only: sha256/BASE64URL of the certificate's SPKI, or curl's sha256//BASE64",
  }),
  insecure: flag('insecure', { summary: 'accept any certificate' }),
  'no-system-ca': flag('no-system-ca', { summary: "trust the authorities of Node alone, without the system's" }),
  alpn: option('alpn', asText, {
    value: 'PROTOCOL',
    summary: 'offer a proxy this protocol only: h2 or http/1.1',
    completes: ['h2', 'http/1.1'],
  }),
} satisfies Record<(typeof tlsNames)[number], Option<string | boolean | undefined>>;

/** Reads the TLS options of a command line. @throws {TunlError} usage */
export function readTlsConfig(args: Arguments): TlsConfig {
  const given = tlsNames.map((name) => [name, args.get<string | boolean | undefined>(tlsOptions[name]) || undefined]);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined)) as TlsConfig;
}

const keyVariable = 'TUNL_KEY_PASSWORD';

/** Makes the source of passwords for encrypted keys without a password file: the environment, or else the user. */
export function createKeyPassword({ env, ask, emit }: Pick<PasswordSources, 'env' | 'ask' | 'emit'>): KeyPassword {
  const given = env[keyVariable];
  // A reload uses the first answer again, because the user may have left by then.
  const answers = new Map<string, ReturnType<KeyPassword['find']>>();
  const find = async (key: string) => {
    const answer = given ?? (await ask(`tunl: password of ${key}:`));
    if (answer === undefined) return undefined;
    const from = given === undefined ? 'the answer to a question' : keyVariable;
    emit({ event: 'notice', level: 'verbose', message: `${key}: the password is from ${from}` });
    return { password: new Secret(answer), from };
  };
  return {
    isGiven: given !== undefined,
    find: (key) => {
      const known = answers.get(key) ?? find(key);
      answers.set(key, known);
      return known;
    },
  };
}
