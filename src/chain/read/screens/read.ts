import { usageError } from '../../../core/errors.ts';
import { formatRange, parseRange } from '../../../core/ip.ts';
import { quote } from '../../../syntax/text.ts';
import type { Path } from '../document.ts';
import type { Screen, ScreenPolicy, ScreenRule, TextMatch } from '../../model/graph.ts';
import { readComparison, readField } from '../http/match.ts';
import type { RouteReader } from '../route.ts';
import { fillVariables } from '../secrets.ts';
import type { RuleConfig, ScreenConfig, TextConditionConfig } from './schema.ts';

/** Reads screens. Those with faults are left out. */
export function readScreens(
  path: Path,
  words: ScreenConfig | readonly ScreenConfig[],
  reader: RouteReader,
): readonly Screen[] {
  return reader.attempts.runEach(path, words, (word) => readScreen(word, reader));
}

function readScreen({ allow, deny }: ScreenConfig, reader: RouteReader): Screen {
  const policies = allow ?? deny;
  if (!policies || (allow && deny)) throw usageError('a screen has allow or deny', 'write one of them');
  return {
    action: allow ? 'allow' : 'deny',
    policies: Object.entries(policies).map(([name, { what = 'any', who = 'any' }]): ScreenPolicy => ({
      name,
      what: [what].flat().map((rule) => readRule(rule, reader)),
      who: [who].flat().map((rule) => readRule(rule, reader)),
    })),
  };
}

function readRule(words: RuleConfig, reader: RouteReader): ScreenRule {
  if (words === 'any') return { kind: 'any' };
  const keys = Object.keys(words);
  if (keys.length !== 1)
    throw usageError(`a rule has one key, and this has ${keys.length}`, 'join rules by all or some');
  const { all, some, not, headers, path, port, reached, client, identity, 'server-name': serverName } = words;
  if (all) return { kind: 'all', rules: all.map((rule) => readRule(rule, reader)) };
  if (some) return { kind: 'some', rules: some.map((rule) => readRule(rule, reader)) };
  if (not) return { kind: 'not', rule: readRule(not, reader) };
  if (headers) return readFields(headers, reader);
  if (path !== undefined) return { kind: 'path', text: readText(path, reader) };
  if (port !== undefined) return readPorts(String(port));
  if (reached !== undefined) return { kind: 'reached', range: readRange(fillVariables(reached, reader)) };
  if (client !== undefined) return { kind: 'client', range: readRange(fillVariables(client, reader)) };
  if (serverName !== undefined) return { kind: 'server-name', text: readText(serverName, reader) };
  return identity === true || identity === undefined
    ? { kind: 'identity' }
    : { kind: 'identity', text: readText(identity, reader) };
}

type FieldsConfig = NonNullable<Exclude<RuleConfig, 'any'>['headers']>;

function readFields(words: FieldsConfig, reader: RouteReader): ScreenRule {
  const rules = Object.entries(words).flatMap(([name, conditions]) =>
    [conditions].flat().map((each): ScreenRule => ({ kind: 'field', field: readField(name, each, reader) })),
  );
  const [first] = rules;
  if (!first) throw usageError('headers names no field');
  return rules.length === 1 ? first : { kind: 'all', rules };
}

function readText(words: TextConditionConfig, reader: RouteReader): TextMatch {
  return readComparison(typeof words === 'string' ? { exact: words } : words, reader);
}

function readPorts(text: string): ScreenRule {
  const [, from = '', to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (from !== '' && first <= last && last <= 65_535) return { kind: 'port', first, last };
  throw usageError(`${quote(text)} is not a port`, 'write 443, or 8000-8099');
}

function readRange(text: string): string {
  const range = parseRange(text);
  if (range) return formatRange(range);
  throw usageError(`${quote(text)} is not a range of addresses`, 'write 10.0.0.0/8, or one IP address');
}
