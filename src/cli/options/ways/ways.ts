import type { DraftWay } from '../../../app/commands/config.ts';
import { type HopFallbacks, splitAlternatives } from '../../../syntax/hop.ts';
import type { Arguments } from '../../parse/arguments.ts';
import type { CommandContext } from '../../parse/command.ts';
import { parseHops } from '../hops.ts';
import { needConfig } from './config.ts';
import { type Decided, direct, type Wanted, type WayOptions } from './wanted.ts';

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
  // Loaded on demand: most command lines of ssh name their proxies, and ssh waits for the start.
  const { decideByRules } = await import('./rules.ts');
  return decideByRules(wanted, { fallbacks, doubts }, args, context);
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
