import { resolve } from 'node:path';
import { usageError } from '../../core/errors.ts';
import { collectCaps } from '../../syntax/settings.ts';
import { suggest } from '../../syntax/suggest.ts';
import { quote } from '../../syntax/text.ts';
import type { Path } from './document.ts';
import type { ProxyStage, StagePolicy } from '../model/graph.ts';
import type { RouteReader } from './route.ts';
import type { PolicyWords } from './schema-parts.ts';
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
}

/** Reads the settings of a proxy. */
export function readProxy(path: Path, words: StageConfig['proxy'], reader: ProxyReader) {
  const { accept, open = false, 'proxy-protocol': proxyProtocol, statuses, ...policy } = toObject(words);
  return {
    users: {},
    allow: [],
    deny: [],
    ...readPolicy(path, policy, reader),
    accept: reader.attempts.runEach([...path, 'accept'], accept, (word) => readSwitch(word, reader)),
    open,
    ...(proxyProtocol && { proxyProtocol }),
    ...(statuses === 'envoy' && { statuses }),
  } satisfies Partial<ProxyStage>;
}

/** Reads the access policy of a stage. Parts that the file does not set are absent. */
export function readPolicy(path: Path, words: PolicyWords, reader: PolicyReader): Partial<StagePolicy> {
  const users = reader.attempts.run([...path, 'users'], () => readUsers(words.users, reader));
  const [allow, deny] = (['allow', 'deny'] as const).map((key) =>
    reader.attempts.runEach([...path, key], words[key], (word) => readRule(word, reader)),
  );
  return {
    ...(users && { users }),
    ...(allow && words.allow !== undefined && { allow }),
    ...(deny && words.deny !== undefined && { deny }),
    ...collectCaps(({ key }) => words[key]),
  };
}

type ProxyConfig = Exclude<StageConfig['proxy'], true | null | undefined>;

function toObject(words: StageConfig['proxy']): ProxyConfig {
  return words === true || !words ? {} : words;
}

function readSwitch(word: string, { switches }: ProxyReader): string {
  if (switches.includes(word)) return word;
  const near = suggest(word, switches);
  throw usageError(
    `${quote(word)} is nothing that a proxy accepts`,
    near === undefined ? `there are ${switches.join(' ')}` : `did you mean ${near}?`,
  );
}

function readRule(word: string, reader: PolicyReader): string {
  const rule = fillVariables(word, reader);
  reader.checkRule(rule);
  return rule;
}

function readUsers(users: PolicyWords['users'], reader: PolicyReader): StagePolicy['users'] | undefined {
  if (users === undefined) return undefined;
  if (typeof users === 'string') return { authFile: resolve(reader.folder, fillVariables(users, reader)) };
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
