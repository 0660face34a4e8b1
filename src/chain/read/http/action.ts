import { usageError } from '../../../core/errors.ts';
import { parseDuration } from '../../../syntax/duration.ts';
import { quote } from '../../../syntax/text.ts';
import type { Path } from '../document.ts';
import type { HttpRouteConfig } from './schema.ts';
import type { AnswerAction, HttpAction, Redirect, RequestsAction, Rewrite, TunnelsAction } from '../../model/graph.ts';
import { readForm } from './answers.ts';
import { readFieldName } from './match.ts';
import { assertRedirect, assertRewrite } from '../../model/rewrite.ts';
import type { RouteReader } from '../route.ts';
import { fillVariables } from '../secrets.ts';

/** Finds the upstream that a route names. Returns undefined after reporting an error. */
type Lead = (path: Path, to: string | readonly string[]) => string | undefined;

/** The other keys that each action allows. */
const companions = {
  answer: ['upgrade'],
  redirect: [],
  to: ['upgrade', 'timeout', 'idle', 'lifetime', 'rewrite'],
  'tunnel-to': ['post', 'idle', 'lifetime', 'proxy-protocol', 'rewrite'],
} as const satisfies Record<string, readonly (keyof HttpRouteConfig)[]>;

type ActionKey = keyof typeof companions;
const actionKeys = Object.keys(companions) as ActionKey[];

/** Reads the action of a route. Returns undefined after reporting an error. */
export function readAction(
  path: Path,
  words: HttpRouteConfig,
  lead: Lead,
  reader: RouteReader,
): HttpAction | undefined {
  const key = reader.attempts.run(path, () => findAction(words));
  if (key === undefined) return undefined;
  refuseStrangers(path, words, key, reader);
  if (words.answer !== undefined) {
    const { answer } = words;
    const action = reader.attempts.run([...path, 'answer'], () => readAnswer([...path, 'answer'], answer, reader));
    if (!action || words.upgrade === undefined) return action;
    return { ...action, upgrades: reader.attempts.runEach([...path, 'upgrade'], words.upgrade, readProtocol) };
  }
  if (words.redirect !== undefined) {
    const { redirect, connect } = words;
    if (connect) reader.attempts.add([...path, 'redirect'], 'a CONNECT has no address to change', 'write answer');
    return reader.attempts.run([...path, 'redirect'], () => readRedirect(redirect, reader));
  }
  const upstream = lead([...path, key], words[key] as string | string[]);
  if (upstream === undefined) return undefined;
  return key === 'to' ? readRequests(path, words, upstream, reader) : readTunnels(path, words, upstream, reader);
}

function findAction(words: HttpRouteConfig): ActionKey {
  const [key, other] = actionKeys.filter((candidate) => words[candidate] !== undefined);
  if (key === undefined) throw usageError('a route does nothing', `add ${actionKeys.join(', ')}`);
  if (other !== undefined) throw usageError(`a route has ${key} or ${other}, not both`);
  return key;
}

function refuseStrangers(path: Path, words: HttpRouteConfig, key: ActionKey, { attempts }: RouteReader): void {
  for (const name of new Set(actionKeys.flatMap((owner) => companions[owner]))) {
    const isOurs = (companions[key] as readonly string[]).includes(name);
    if (words[name] !== undefined && !isOurs) attempts.add([...path, name], `${name} does not go with ${key}`);
  }
}

function readAnswer(path: Path, words: NonNullable<HttpRouteConfig['answer']>, reader: RouteReader): AnswerAction {
  const { status, body, ...form } = typeof words === 'object' ? words : splitAnswer(String(words));
  if (status < 200 || status > 599) throw usageError(`${status} is not a status from 200 to 599`);
  const text = body !== undefined && { body: fillVariables(body, reader) };
  return { kind: 'answer', status, ...text, ...readForm(path, form, reader) };
}

function readRedirect(words: NonNullable<HttpRouteConfig['redirect']>, reader: RouteReader): AnswerAction {
  const { status = 301, port, query } = words;
  const texts = Object.fromEntries(
    (['scheme', 'host', 'path', 'prefix'] as const).flatMap((key) =>
      words[key] === undefined ? [] : [[key, fillVariables(words[key], reader)]],
    ),
  );
  const redirect: Redirect = {
    ...texts,
    ...(port !== undefined && { port }),
    ...(query === false && { dropsQuery: true as const }),
  };
  assertRedirect(redirect);
  return { kind: 'answer', status, redirect };
}

/** Splits `200 Hello` into a status and the body after the first space. */
function splitAnswer(text: string): { readonly status: number; readonly body?: string | undefined } {
  const [, status, body] = /^(\d{3})(?: (.*))?$/s.exec(text) ?? [];
  if (status !== undefined) return { status: Number(status), body };
  throw usageError(`${quote(text)} does not begin with a status`, 'write 404, 200 ok, or { status: 200, body: … }');
}

function readRequests(path: Path, words: HttpRouteConfig, upstream: string, reader: RouteReader): RequestsAction {
  const timeoutMs = readTime(path, words, 'timeout', reader) ?? 0;
  const upgrades = reader.attempts.runEach([...path, 'upgrade'], words.upgrade ?? usualUpgrades(words), readProtocol);
  const limits = { timeoutMs, ...readLimits(path, words, reader) };
  return { kind: 'requests', upstream, ...limits, upgrades, ...readRewrite(path, words, reader) };
}

/** Returns the upgrades of a route that lists none. A route for CONNECT must allow CONNECT in order to forward it. */
export function usualUpgrades({ connect }: Pick<HttpRouteConfig, 'connect'>): readonly string[] {
  return connect === true ? ['connect'] : [];
}

function readProtocol(word: string): string {
  const protocol = word.toLowerCase();
  // RFC 9110, section 7.8: a token and an optional version.
  if (/^[!#$%&'*+.^_`|~\da-z-]+(?:\/[!#$%&'*+.^_`|~\da-z-]+)?$/.test(protocol)) return protocol;
  throw usageError(`${quote(word)} is not the name of a protocol`, 'write websocket, or connect');
}

function readTunnels(path: Path, words: HttpRouteConfig, upstream: string, reader: RouteReader): TunnelsAction {
  const proxyProtocol = words['proxy-protocol'];
  return {
    kind: 'tunnels',
    upstream,
    post: words.post ?? false,
    ...readLimits(path, words, reader),
    ...(proxyProtocol && { proxyProtocol }),
    ...readRewrite(path, words, reader),
  };
}

/** Reads what a route changes in its requests. */
function readRewrite(
  path: Path,
  { rewrite: words }: HttpRouteConfig,
  reader: RouteReader,
): { readonly rewrite?: Rewrite } {
  if (words === undefined) return {};
  const rewrite = reader.attempts.run([...path, 'rewrite'], () => toRewrite(words, reader));
  return rewrite ? { rewrite } : {};
}

function toRewrite(words: NonNullable<HttpRouteConfig['rewrite']>, reader: RouteReader): Rewrite {
  assertAtMostOne(words, ['host', 'host-field', 'host-of-target']);
  assertAtMostOne(words, ['prefix', 'regex']);
  const { host, 'host-field': field, 'host-of-target': ofTarget, prefix, regex, with: substitution } = words;
  if ((regex === undefined) !== (substitution === undefined)) throw usageError('regex and with go together');
  if (Object.keys(words).length === 0) throw usageError('a rewrite changes nothing', 'add host, prefix or regex');
  const rewrite = {
    ...(host !== undefined && { host: fillVariables(host, reader) }),
    ...(field !== undefined && { hostField: readFieldName(fillVariables(field, reader)) }),
    ...(ofTarget && { hostOfTarget: ofTarget }),
    ...(prefix !== undefined && { prefix: fillVariables(prefix, reader) }),
    ...(regex !== undefined &&
      substitution !== undefined && {
        pattern: { regex: fillVariables(regex, reader), substitution: fillVariables(substitution, reader) },
      }),
  };
  assertRewrite(rewrite);
  return rewrite;
}

function assertAtMostOne<T extends object>(words: T, keys: readonly (keyof T & string)[]): void {
  const [first, second] = keys.filter((key) => words[key] !== undefined);
  if (second !== undefined) throw usageError(`a rewrite has ${first} or ${second}, not both`);
}

function readLimits(
  path: Path,
  words: HttpRouteConfig,
  reader: RouteReader,
): Pick<RequestsAction, 'idleMs' | 'lifetimeMs'> {
  const idleMs = readTime(path, words, 'idle', reader);
  const lifetimeMs = readTime(path, words, 'lifetime', reader);
  return { ...(idleMs !== undefined && { idleMs }), ...(lifetimeMs !== undefined && { lifetimeMs }) };
}

function readTime(path: Path, words: HttpRouteConfig, key: 'timeout' | 'idle' | 'lifetime', { attempts }: RouteReader) {
  const word = words[key];
  return word === undefined ? undefined : attempts.run([...path, key], () => parseDuration(String(word), key));
}
