import type { Config, DraftWay, NamedWay } from '../../../app/commands/config.ts';
import type { ForwardSpec } from '../../../app/commands/options.ts';
import { formatAddress, type TcpAddress } from '../../../core/address.ts';
import { usageError } from '../../../core/errors.ts';
import { type HopFallbacks, splitAlternatives } from '../../../syntax/hop.ts';
import type { Arguments } from '../../parse/arguments.ts';
import type { CommandContext } from '../../parse/command.ts';
import { createReport } from '../../terminal/report.ts';
import { decideProxy } from '../environment.ts';
import { parseHops } from '../hops.ts';
import { needConfig, openConfig } from './config.ts';

/** A target whose way is to be found; `any` for one that clients will name. */
export interface Wanted {
  readonly target: ForwardSpec['target'] | 'any';
  /** The way of a forward of the configuration that has its own. */
  readonly way?: NamedWay;
}

/** The way to a target. Targets with the same way have the same object. */
export interface Decided {
  readonly way: DraftWay;
  /** Where it comes from, in a phrase: `from -x`, or why there is no proxy. */
  readonly source: string;
}

/** Settings for finding ways. */
export interface WayOptions {
  /** The values of `-x`, in travel order. */
  readonly urls: readonly string[];
  /** True if no target is reached through a proxy. */
  readonly isDirect: boolean;
  /** Settings of the hops that have none of their own. */
  readonly fallbacks: Omit<HopFallbacks, 'source'>;
  /** The level at which invalid entries of NO_PROXY are reported. */
  readonly doubts: 'warning' | 'verbose';
}

/**
 * Finds the way to each target: by `-x` or `--direct`; by its forward in the configuration, and by the first `match` of
 * it that fits; by the environment; by the defaults of the configuration. With `-v` it says which of them.
 * @throws {TunlError} usage
 */
export async function decideWays(
  wanted: readonly Wanted[],
  { urls, isDirect, fallbacks, doubts }: WayOptions,
  args: Arguments,
  context: CommandContext,
): Promise<Decided[]> {
  if (urls.length > 0) {
    const way = await readUrls(urls, { ...fallbacks, source: '-x', takesCommand: true }, args, context);
    return wanted.map(() => ({ way, source: 'from -x' }));
  }
  if (isDirect) return wanted.map(() => ({ way: direct, source: '--direct' }));
  if (wanted.length === 0) return [];
  const config = await openConfig(args, context);
  const emit = createReport(context.ui, 'connect');
  const said = new Map<string, 'warning' | 'verbose'>();
  const ways = new Map<string, DraftWay>();
  const once = (name: string, read: () => DraftWay) => {
    const way = ways.get(name) ?? read();
    ways.set(name, way);
    return way;
  };
  const decided = wanted.map(({ target, way: own }) => {
    const choice = chooseWay(target, own, config, context.io.env);
    for (const message of choice.ignored ?? []) said.set(message, doubts);
    if (choice.reason !== undefined) said.set(choice.reason, 'verbose');
    const { named, proxy, source } = choice;
    if (named) return { way: once(named.place, () => named.read({ ...fallbacks, source })), source };
    if (!proxy) return { way: direct, source };
    const { url, variable } = proxy;
    const read = () => [parseHops([url], { ...fallbacks, source: variable, variable })];
    return { way: once(variable, read), source };
  });
  for (const [message, level] of said) emit({ event: 'notice', level, message });
  return decided;
}

const direct: DraftWay = [];

/** The rule that gives a target its way. */
interface WayChoice {
  /** Present if the configuration names the way. */
  readonly named?: NamedWay;
  /** Present if the environment names a proxy. */
  readonly proxy?: { readonly url: string; readonly variable: string };
  readonly source: string;
  /** The rule as a sentence; absent if there is nothing to say. */
  readonly reason?: string;
  readonly ignored?: readonly string[];
}

/** Chooses the rule for one target. @throws {TunlError} usage */
export function chooseWay(
  target: Wanted['target'],
  own: NamedWay | undefined,
  config: Config | undefined,
  env: CommandContext['io']['env'],
): WayChoice {
  if (own) return toChoice(target, own);
  if (target !== 'any' && target.kind === 'unix') return { source: 'a Unix socket is reached without a proxy' };
  const matched = target === 'any' ? undefined : config?.matches.find(({ covers }) => covers(target));
  if (matched) return toChoice(target, matched);
  const { proxy, reason, ignored, isException } = decideProxy(env, target);
  if (proxy) return { proxy, source: `from ${proxy.variable}`, reason, ignored };
  const fallback = isException ? undefined : config?.fallback;
  return fallback ? { ...toChoice(target, fallback), ignored } : { source: reason, reason, ignored };
}

function toChoice(target: Wanted['target'], named: NamedWay): WayChoice {
  const { name, place, written } = named;
  return {
    named,
    source: `from ${place} (${name})`,
    reason: `${describeTarget(target)}: ${name} says ${written} (${place})`,
  };
}

/** Names a target in a sentence. */
function describeTarget(target: Wanted['target']): string {
  return target === 'any' ? 'targets of clients' : formatAddress(target as TcpAddress);
}

/**
 * Reads values of `-x` in travel order: URLs, alternatives and names of the configuration, which is read for those only.
 * @throws {TunlError} usage
 */
async function readUrls(
  urls: readonly string[],
  fallbacks: HopFallbacks,
  args: Arguments,
  context: CommandContext,
): Promise<DraftWay> {
  const ways: DraftWay[] = [];
  for (const url of urls) {
    const texts = splitAlternatives(url, fallbacks.source);
    const name = texts.find((text) => text.startsWith('@'));
    if (name === undefined) {
      ways.push([parseHops(texts, fallbacks)]);
      continue;
    }
    const config = await needConfig(name, args, context);
    ways.push(config.readText(url, fallbacks));
  }
  return ways.flat();
}

/** Refuses names in a command that reads no configuration. @throws {TunlError} usage */
export function refuseNames(texts: readonly string[], command: string): void {
  const name = texts.flatMap((text) => text.split('|')).find((text) => text.trim().startsWith('@'));
  if (name === undefined) return;
  throw usageError(
    `${name.trim()} is a name of the configuration, and tunl ${command} reads none`,
    'write the URL of the proxy',
  );
}
