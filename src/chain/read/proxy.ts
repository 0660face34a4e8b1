import { resolve } from 'node:path';
import { formatAddress } from '../../core/address.ts';
import { usageError } from '../../core/errors.ts';
import { parseDuration } from '../../syntax/duration.ts';
import { parseSocket, parseUnix, resolveUnix } from '../../syntax/listen.ts';
import { collectCaps } from '../../syntax/settings.ts';
import {
  collectValues,
  parsePathPrefix,
  proxySettings,
  ruleSettings,
  type StageSetting,
  type ValuesOf,
} from '../../syntax/stage-settings.ts';
import { suggest } from '../../syntax/suggest.ts';
import { quote } from '../../syntax/text.ts';
import type { Path } from './document.ts';
import type { ProxyStage, StagePolicy } from '../model/graph.ts';
import type { RouteReader } from './route.ts';
import type { PolicyWords, WrittenOf } from './schema-parts.ts';
import type { StageConfig } from './schema.ts';
import { fillVariables, readSecret } from './secrets.ts';

/** The surroundings for reading the access policy of a stage. */
export interface PolicyReader extends RouteReader {
  /** Checks a rule. @throws {TunlError} usage, if the text is not a rule */
  readonly checkRule: (text: string) => void;
}

/** The surroundings for reading proxies. */
export interface ProxyReader extends PolicyReader {
  /** The names that `accept` allows. */
  readonly switches: readonly string[];
  /** The kinds of fronts, as they stand before an address. */
  readonly frontKinds: readonly string[];
}

/** Reads the settings of a proxy. */
export function readProxy(path: Path, words: StageConfig['proxy'], reader: ProxyReader) {
  const said = toObject(words);
  return {
    users: {},
    allow: [],
    deny: [],
    ...readPolicy(path, said, reader),
    accept: reader.attempts
      .runEach([...path, 'accept'], said.accept, (word) => readSwitch(word, reader))
      .filter((word) => word !== connectWord),
    ...readValues(path, proxySettings, said, reader),
  } satisfies Partial<ProxyStage>;
}

/** Reads the access policy of a stage. Parts that the file does not set are absent. */
export function readPolicy(path: Path, words: PolicyWords, reader: PolicyReader): Partial<StagePolicy> {
  const users = reader.attempts.run([...path, 'users'], () => readUsers(words.users, reader));
  return {
    ...(users && { users }),
    ...readValues(path, ruleSettings, words, reader),
    ...collectCaps(({ key }) => words[key]),
  };
}

/** Reads settings of several kinds. @throws {TunlError} usage, for the name of a file */
export function readValues<Rows extends readonly StageSetting[]>(
  path: Path,
  settings: Rows,
  words: WrittenOf<Rows>,
  reader: PolicyReader,
): ValuesOf<Rows> {
  const said: { readonly [key in string]?: unknown } = words;
  return collectValues(settings, ({ kind, key }) => {
    const word = said[key];
    if (kind === 'switch') return word ?? false;
    if (word === undefined) return undefined;
    if (kind === 'file') {
      return reader.attempts.noteFile(resolve(reader.folder, fillVariables(word as string, reader)), [...path, key]);
    }
    if (kind === 'socket') {
      return reader.attempts.run([...path, key], () => {
        const socket = parseSocket(fillVariables(word as string, reader), key);
        return formatAddress(resolveUnix(parseUnix(socket), reader.folder));
      });
    }
    if (kind === 'duration') {
      return reader.attempts.run([...path, key], () => parseDuration(`${word as string | 0}`, key));
    }
    if (kind === 'path-prefix') {
      return reader.attempts.run([...path, key], () => parsePathPrefix(fillVariables(word as string, reader), key));
    }
    if (kind === 'names') {
      return reader.attempts.runEach([...path, key], word as string | string[], (name) => fillVariables(name, reader));
    }
    if (kind !== 'rules') return word;
    return reader.attempts.runEach([...path, key], word as string | string[], (rule) => readRule(rule, reader));
  });
}

type ProxyConfig = Exclude<StageConfig['proxy'], true | null | undefined>;

function toObject(words: StageConfig['proxy']): ProxyConfig {
  return words === true || !words ? {} : words;
}

/** What every proxy accepts; in a file it may be said. */
const connectWord = 'connect';

function readSwitch(word: string, { switches }: ProxyReader): string {
  const known = [connectWord, ...switches];
  if (known.includes(word)) return word;
  const near = suggest(word, known);
  throw usageError(
    `${quote(word)} is nothing that a proxy accepts`,
    ...(near === undefined ? [] : [`did you mean ${near}?`]),
    `there are ${known.join(', ')}`,
  );
}

function readRule(word: string, reader: PolicyReader): string {
  const rule = fillVariables(word, reader);
  reader.checkRule(rule);
  return rule;
}

function readUsers(users: PolicyWords['users'], reader: PolicyReader): StagePolicy['users'] | undefined {
  if (users === undefined) return undefined;
  if (typeof users === 'string') {
    return { authFile: reader.attempts.noteFile(resolve(reader.folder, fillVariables(users, reader))) };
  }
  const [first, ...others] = Object.entries(users);
  if (!first || others.length > 0)
    throw usageError('users names one user', 'several users go into an htpasswd file: users: FILE');
  const [user, text] = first;
  const what = `the password of ${quote(user)}`;
  const single = { user, password: readSecret(text, what, reader, reader.sources).reveal() };
  if (single.password === '') throw usageError(`${what}, from ${text}, is empty`);
  reader.sources.set(single, text);
  return { single };
}
