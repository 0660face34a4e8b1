import { usageError } from '../../core/errors.ts';
import { parseDuration } from '../../syntax/duration.ts';
import { splitAlternatives } from '../../syntax/hop.ts';
import { isInternal, parseInternal } from '../../syntax/internal.ts';
import { collectLimits, type Side } from '../../syntax/settings.ts';
import { collectValues, routeSettings } from '../../syntax/stage-settings.ts';
import type { Diagnostics } from './diagnostics.ts';
import type { Path } from './document.ts';
import type { HopChoice, Limits, RouteOptions } from '../model/graph.ts';
import { type HopReader, readHop } from './hop.ts';
import type { LimitsConfig, TargetConfig, RetryConfig, ExitConfig } from './schema-parts.ts';

/** The surroundings for reading routes. */
export interface RouteReader extends HopReader {
  readonly attempts: Diagnostics;
}

/** The limits in one part of a file, with its position. */
export interface WrittenLimits {
  readonly at: Path;
  readonly words: LimitsConfig;
}

/** The settings of a route that does not specify its own. */
export interface RouteDefaults extends Omit<ExitConfig, 'via' | 'to' | 'balance' | 'limits'> {
  /** Sets of limits in order of precedence, the most specific first. */
  readonly limits: readonly WrittenLimits[];
  /** The side whose built-in limits apply where the file sets none. */
  readonly side: Side;
}

/** Reads the route of a stage or an upstream. */
export function readRoute(path: Path, words: ExitConfig, defaults: RouteDefaults, reader: RouteReader): RouteOptions {
  const own = { at: [...path, 'limits'], words: words.limits ?? {} };
  return {
    ...readVia([...path, 'via'], words.via, reader),
    limits: readLimits([own, ...defaults.limits], defaults.side, reader),
    ...reader.attempts.run([...path, 'retry'], () => readRetry(words.retry ?? defaults.retry ?? 0)),
    ...collectValues(routeSettings, ({ key }) => words[key] ?? defaults[key]),
  };
}

/** Reads each limit from the first layer that sets it. Errors are reported at the position in that layer. */
function readLimits(layers: readonly WrittenLimits[], side: Side, { attempts }: RouteReader): Limits {
  return collectLimits(side, ({ key }) => {
    const layer = layers.find(({ words }) => words[key] !== undefined);
    return layer && attempts.run([...layer.at, key], () => parseDuration(String(layer.words[key]), key));
  });
}

/** The ratio of `max` to `base` if the file sets no `max`. */
const growth = 10;

function readRetry(words: RetryConfig): Pick<RouteOptions, 'retries' | 'backOff' | 'retryOn'> {
  const { times, base, max, on } = typeof words === 'number' ? { times: words } : words;
  if (base === undefined && max !== undefined) throw usageError('retry has max and no base', 'add base: 100ms');
  const baseMs = base === undefined ? undefined : parseDuration(base, 'base');
  const maxMs = max === undefined ? (baseMs ?? 0) * growth : parseDuration(max, 'max');
  if (baseMs !== undefined && maxMs < baseMs) throw usageError('retry has a max that is shorter than its base');
  return {
    ...(times > 0 && { retries: times }),
    ...(baseMs !== undefined && { backOff: { baseMs, maxMs } }),
    ...(on !== undefined && { retryOn: on }),
  };
}

function readVia(
  path: Path,
  words: ExitConfig['via'],
  reader: RouteReader,
): Pick<RouteOptions, 'hops' | 'entry' | 'hopBalance'> {
  const list: readonly TargetConfig[] = words === undefined ? [] : Array.isArray(words) ? words : [words];
  const at = (index: number): Path => (Array.isArray(words) ? [...path, index] : path);
  const [first] = list;
  const entry =
    typeof first === 'string' && isInternal(first) ? reader.attempts.run(at(0), () => parseInternal(first)) : undefined;
  const skipped = typeof first === 'string' && isInternal(first) ? 1 : 0;
  const hops = list.slice(skipped).flatMap((place, index) => {
    const choice = reader.attempts.run(at(index + skipped), () => readPlace(at(index + skipped), place, reader));
    return choice === undefined ? [] : [choice];
  });
  return { hops, ...(entry && { entry }), ...reader.attempts.run(path, () => readBalance(list)) };
}

/** Reads the balance of a route. A route has a single balance, so all places with alternatives must agree. */
function readBalance(places: readonly TargetConfig[]): Pick<RouteOptions, 'hopBalance'> {
  const said = places.flatMap((place) => {
    if (typeof place === 'string') return place.includes('|') ? ['first' as const] : [];
    if ('url' in place) return [];
    return place.any.length > 1 || place.balance !== undefined ? [place.balance ?? ('first' as const)] : [];
  });
  if (new Set(said).size > 1) {
    throw usageError('one way cannot have two balances', 'write balance: round-robin beside each any, or nowhere');
  }
  const isWritten = places.some((place) => typeof place === 'object' && 'any' in place && place.balance !== undefined);
  return isWritten && said[0] ? { hopBalance: said[0] } : {};
}

function readPlace(path: Path, words: TargetConfig, reader: RouteReader): HopChoice {
  if (typeof words === 'string') return splitAlternatives(words, 'via').map((url) => readHop({ url }, reader));
  if ('url' in words) return [readHop(words, reader)];
  return reader.attempts.runEach([...path, 'any'], words.any, (word) =>
    readHop(typeof word === 'string' ? { url: word } : word, reader),
  );
}
