import { resolve } from 'node:path';
import { usageError } from '../core/errors.ts';
import { collectCaps } from '../words/settings.ts';
import { suggest } from '../words/suggest.ts';
import { quote } from '../words/text.ts';
import type { Path } from './document.ts';
import type { ProxyStage } from './model.ts';
import type { RouteReader } from './route-words.ts';
import type { StageWords } from './schema.ts';
import { fillVariables, readSecret } from './secrets.ts';

/** What proxies are read with: what a file may name is known elsewhere. */
export interface ProxyReader extends RouteReader {
  /** What `accept` may name. */
  readonly switches: readonly string[];
  /** @throws {TunlError} usage, when the text is no rule */
  readonly checkRule: (text: string) => void;
}

/** Reads the settings of a proxy. */
export function readProxy(path: Path, words: StageWords['proxy'], reader: ProxyReader) {
  const {
    accept,
    users,
    allow,
    deny,
    open = false,
    'proxy-protocol': proxyProtocol,
    statuses,
    ...rest
  } = toObject(words);
  const { attempts } = reader;
  return {
    accept: attempts.runEach([...path, 'accept'], accept, (word) => readSwitch(word, reader)),
    users: attempts.run([...path, 'users'], () => readUsers(users, reader)) ?? {},
    allow: attempts.runEach([...path, 'allow'], allow, (word) => readRule(word, reader)),
    deny: attempts.runEach([...path, 'deny'], deny, (word) => readRule(word, reader)),
    open,
    ...collectCaps(({ key }) => rest[key]),
    ...(proxyProtocol && { proxyProtocol }),
    ...(statuses === 'envoy' && { statuses }),
  } satisfies Partial<ProxyStage>;
}

type ProxyWords = Exclude<StageWords['proxy'], true | null | undefined>;

function toObject(words: StageWords['proxy']): ProxyWords {
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

function readRule(word: string, reader: ProxyReader): string {
  const rule = fillVariables(word, reader);
  reader.checkRule(rule);
  return rule;
}

function readUsers(users: ProxyWords['users'], reader: ProxyReader): ProxyStage['users'] {
  if (users === undefined) return {};
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
