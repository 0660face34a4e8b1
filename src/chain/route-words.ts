import { resolve } from 'node:path';
import { usageError } from '../core/errors.ts';
import type { HeaderField, Hop } from '../core/hop.ts';
import { parseDuration } from '../words/duration.ts';
import { parseHeader } from '../words/header.ts';
import { type KnownScheme, parseHop, splitAlternatives } from '../words/hop.ts';
import { isInternal, parseInternal } from '../words/internal.ts';
import type { Attempts } from './attempt.ts';
import type { Path } from './document.ts';
import type { HopChoice, Limits, RouteOptions } from './model.ts';
import type { FileWords, HopWords, PlaceWords, StageWords } from './schema.ts';
import { fillVariables, isReference, readSecret, type SecretSources, type Surroundings } from './secrets.ts';

/** What routes are read with. */
export interface RouteReader extends Surroundings {
  readonly schemes: readonly KnownScheme[];
  readonly attempts: Attempts;
  readonly sources: SecretSources;
}

type LimitWords = NonNullable<StageWords['limits']>;

/** The limits of a stage that says nothing, as `forward` has them; a proxy ends idle tunnels after an hour. */
export const defaultLimits: Required<LimitWords> = {
  dns: '5s',
  connect: '10s',
  tls: '10s',
  handshake: '15s',
  idle: 'off',
  linger: '60s',
};
/** What `idle` is for a proxy. */
export const proxyIdle = '1h';

/** Which limit each name of a file sets. */
export const limitKeys = {
  dns: 'dnsMs',
  connect: 'connectMs',
  tls: 'tlsMs',
  handshake: 'handshakeMs',
  idle: 'idleMs',
  linger: 'lingerMs',
} as const satisfies Record<keyof LimitWords, keyof Limits>;

/** Reads how a stage gets to where it leads. */
export function readRoute(
  path: Path,
  stage: StageWords,
  defaults: NonNullable<FileWords['defaults']>,
  reader: RouteReader,
): RouteOptions {
  const retries = stage.retry ?? defaults.retry ?? 0;
  const family = stage.family ?? defaults.family;
  return {
    ...readVia([...path, 'via'], stage.via, reader),
    limits: readLimits(path, stage, defaults.limits ?? {}, reader),
    ...(retries > 0 && { retries }),
    ...(family !== undefined && { family }),
  };
}

/** What is written in `defaults` is parsed for each stage, and blamed where it stands. */
function readLimits(path: Path, stage: StageWords, defaults: LimitWords, { attempts }: RouteReader): Limits {
  const fallbacks = { ...defaultLimits, ...(stage.proxy !== undefined && { idle: proxyIdle }) };
  const read = (name: keyof LimitWords) => {
    const own = stage.limits?.[name];
    const at = own === undefined ? ['defaults', 'limits', name] : [...path, 'limits', name];
    const text = String(own ?? defaults[name] ?? fallbacks[name]);
    return [limitKeys[name], attempts.run(at, () => parseDuration(text, name)) ?? 0];
  };
  return Object.fromEntries((Object.keys(limitKeys) as (keyof LimitWords)[]).map(read)) as unknown as Limits;
}

function readVia(path: Path, words: StageWords['via'], reader: RouteReader): Pick<RouteOptions, 'hops' | 'entry'> {
  const list: readonly PlaceWords[] = words === undefined ? [] : Array.isArray(words) ? words : [words];
  const at = (index: number): Path => (Array.isArray(words) ? [...path, index] : path);
  const [first] = list;
  const entry =
    typeof first === 'string' && isInternal(first) ? reader.attempts.run(at(0), () => parseInternal(first)) : undefined;
  const skipped = typeof first === 'string' && isInternal(first) ? 1 : 0;
  const hops = list.slice(skipped).flatMap((place, index) => {
    const choice = reader.attempts.run(at(index + skipped), () => readPlace(at(index + skipped), place, reader));
    return choice === undefined ? [] : [choice];
  });
  return { hops, ...(entry && { entry }) };
}

function readPlace(path: Path, words: PlaceWords, reader: RouteReader): HopChoice {
  if (typeof words === 'string') return splitAlternatives(words, 'via').map((url) => readHop({ url }, reader));
  if ('url' in words) return [readHop(words, reader)];
  return reader.attempts.runEach([...path, 'any'], words.any, (word) =>
    readHop(typeof word === 'string' ? { url: word } : word, reader),
  );
}

/** `scheme://user:password@`, as it is written. */
const userInfo = /^(?:[^:/?#@]*:\/\/)?([^/?#]*)@/;

function readHop({ url, password, headers }: HopWords, reader: RouteReader): Hop {
  if (isInternal(url))
    throw usageError('a stage of this process can only be first on the way', 'put it before the proxies');
  const written = userInfo.exec(url)?.[1]?.split(/:(.*)/s, 2)[1];
  if (written !== undefined && !/^\$\{\w+\}$/.test(written)) {
    throw usageError(
      'via has a password that is written out',
      'write ${NAME} for a variable of the environment, or password: file:PATH',
    );
  }
  const fields = readHeaders(headers, reader);
  const { open, ...hop } = parseHop(
    fillVariables(url, reader),
    { source: 'via', tls: {}, headers: [] },
    reader.schemes,
  );
  if (hop.credentials && written !== undefined) reader.sources.set(hop.credentials.password, written);
  const tls = { ...hop.tls };
  for (const name of ['cacert', 'cert', 'key'] as const) {
    if (tls[name] !== undefined) Object.assign(tls, { [name]: resolve(reader.folder, tls[name]) });
  }
  const full: Hop = { ...hop, tls, headers: [...hop.headers, ...fields] };
  if (password !== undefined) {
    if (!open)
      throw usageError(
        hop.credentials ? `${label(url)} has two passwords` : `${label(url)} has a password and no user`,
      );
    return {
      ...full,
      credentials: { user: open.user, password: readSecret(password, 'password', reader, reader.sources) },
    };
  }
  if (open)
    throw usageError(
      `${open.label} has a user and no password`,
      'add password: with ${NAME} for a variable of the environment, or file:PATH',
    );
  return full;
}

function label(url: string): string {
  return `"${url.replace(userInfo, (all, info: string) => all.replace(info, '***'))}"`;
}

/** Fields whose values let somebody in. */
const secretFields: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie']);

function readHeaders(headers: HopWords['headers'], reader: RouteReader): HeaderField[] {
  return Object.entries(headers ?? {}).flatMap(([name, values]) =>
    [values].flat().map((text): HeaderField => {
      if (secretFields.has(name.toLowerCase()) && !isReference(text) && !text.includes('${')) {
        throw usageError(
          `the value of ${name} is written out`,
          'write ${NAME} for a variable of the environment, or file:PATH',
        );
      }
      const value = text.startsWith('file:')
        ? readSecret(text, name, reader, new Map()).reveal()
        : fillVariables(text, reader);
      const field = parseHeader(`${name}: ${value}`, 'headers');
      reader.sources.set(field, text);
      return field;
    }),
  );
}
