import { resolve } from 'node:path';
import type { HopSetting } from '../../core/carrier.ts';
import { usageError } from '../../core/errors.ts';
import type { HeaderField, Hop } from '../../core/hop.ts';
import { isSecretField } from '../../core/secret.ts';
import { parseFormat } from '../../syntax/format/format.ts';
import { parseHeader } from '../../syntax/header.ts';
import { type DraftHop, type HopFallbacks, type KnownScheme, parseHop } from '../../syntax/hop.ts';
import { isBareSocket } from '../../syntax/hop-url.ts';
import { isInternal } from '../../syntax/internal.ts';
import { resolveUnix } from '../../syntax/listen.ts';
import { asUsage } from '../../syntax/text.ts';
import type { Diagnostics } from './diagnostics.ts';
import type { HopConfig } from './schema-parts.ts';
import {
  fillVariables,
  isReference,
  readKeyPassword,
  readSecret,
  type SecretSources,
  type Surroundings,
} from './secrets.ts';

/** The surroundings, schemes and secret sources for reading hops. */
export interface HopReader extends Surroundings {
  readonly schemes: readonly KnownScheme[];
  readonly sources: SecretSources;
  /** The name of hops in messages, and the settings of those that have none of their own. Default: `via`, and none. */
  readonly fallbacks?: HopFallbacks;
  readonly attempts?: Pick<Diagnostics, 'noteFile'>;
}

/** Matches `scheme://user:password@` at the start of a URL. */
const userInfo = /^(?:[^:/?#@]*:\/\/)?([^/?#]*)@/;

/**
 * Reads a hop, which is a proxy on a route.
 * @throws {TunlError} usage; the message never contains a secret
 */
export function readHop(words: HopConfig, reader: HopReader): Hop {
  const { open, ...hop } = readDraftHop(words, reader);
  if (!open) return hop;
  throw usageError(
    `${open.label} has a user and no password`,
    'add password: with ${NAME} for an environment variable, or file:PATH',
  );
}

/**
 * Reads a hop whose password may have to be found elsewhere.
 * @throws {TunlError} usage; the message never contains a secret
 */
export function readDraftHop(words: HopConfig, reader: HopReader): DraftHop {
  const { url, password, headers, formats, 'key-password': keyPassword } = words;
  const { fallbacks = { source: 'via', tls: {}, headers: [] } } = reader;
  if (isInternal(url))
    throw usageError('a stage of this process can only be first on the way', 'put it before the proxies');
  const written = isBareSocket(url) ? undefined : userInfo.exec(url)?.[1]?.split(/:(.*)/s, 2)[1];
  if (written !== undefined && !/^(?:\$\{\w+\})?$/.test(written)) {
    throw usageError(
      `${fallbacks.source} has a password in plain text`,
      'write ${NAME} for an environment variable, or password: file:PATH',
    );
  }
  const fields = readHeaders(headers, 'headers', reader);
  const patterns = readHeaders(formats, 'formats', reader);
  const { open, ...hop } = parseHop(
    fillVariables(url, reader),
    { ...fallbacks, folder: reader.folder },
    reader.schemes,
  );
  if (hop.credentials && written !== undefined) reader.sources.set(hop.credentials.password, written);
  const tls = { ...hop.tls };
  for (const name of ['cacert', 'cert', 'key', 'keyPasswordFile'] as const) {
    if (tls[name] !== undefined) Object.assign(tls, { [name]: noteFile(tls[name], reader) });
  }
  const settings = { ...hop.settings };
  for (const { name, isPath } of findSettings(hop.chooser ? 'http' : hop.scheme, reader)) {
    if (isPath && settings[name] !== undefined) settings[name] = resolve(reader.folder, settings[name]);
  }
  if (keyPassword !== undefined && tls.cert === undefined)
    throw usageError(`${label(url)} has a key-password and no cert`);
  const full: Hop = {
    ...hop,
    address: hop.address.kind === 'unix' ? resolveUnix(hop.address, reader.folder) : hop.address,
    tls: { ...tls, ...readKeyPassword(keyPassword, reader, reader.sources) },
    headers: [...hop.headers, ...fields],
    settings,
    ...(patterns.length > 0 && { formats: patterns }),
  };
  if (password === undefined) return { ...full, ...(open && { open }) };
  if (!open)
    throw usageError(hop.credentials ? `${label(url)} has two passwords` : `${label(url)} has a password and no user`);
  return {
    ...full,
    credentials: { user: open.user, password: readSecret(password, 'password', reader, reader.sources) },
  };
}

/** Finds a file from the folder of the file that names it, and notes its place. */
function noteFile(name: string, { attempts, folder }: HopReader): string {
  const file = resolve(folder, name);
  return attempts?.noteFile(file) ?? file;
}

function findSettings(name: string, { schemes }: HopReader): readonly HopSetting[] {
  return schemes.find(({ scheme }) => scheme === name)?.carrier.settings ?? [];
}

function label(url: string): string {
  return `"${url.replace(userInfo, (all, info: string) => all.replace(info, '***'))}"`;
}

function readHeaders(headers: HopConfig['headers'], key: 'headers' | 'formats', reader: HopReader): HeaderField[] {
  return Object.entries(headers ?? {}).flatMap(([name, values]) =>
    [values].flat().map((text): HeaderField => {
      if (isSecretField(name) && !isReference(text) && !text.includes('${')) {
        throw usageError(
          `the value of ${name} is in plain text`,
          'write ${NAME} for an environment variable, or file:PATH',
        );
      }
      const value = key === 'formats' ? readFormat(`formats: ${name}`, text, reader) : readValue(name, text, reader);
      const field = parseHeader(`${name}: ${value}`, key);
      reader.sources.set(field, text);
      return field;
    }),
  );
}

function readValue(name: string, text: string, reader: HopReader): string {
  return text.startsWith('file:') ? readSecret(text, name, reader, new Map()).reveal() : fillVariables(text, reader);
}

/** Reads a format. Percent signs in variables and files are escaped, so that they do not start an operator. */
export function readFormat(name: string, text: string, reader: HopReader): string {
  const escapeOperators = (value: string) => value.replaceAll('%', '%%');
  if (text.startsWith('file:')) return escapeOperators(readValue(name, text, reader));
  const env = Object.fromEntries(
    Object.entries(reader.env).map(([key, value]) => [key, value && escapeOperators(value)]),
  );
  const format = fillVariables(text, { ...reader, env });
  asUsage(name, () => parseFormat(format));
  return format;
}
