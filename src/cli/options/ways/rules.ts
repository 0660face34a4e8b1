import type { Config, DraftWay, NamedWay } from '../../../app/commands/config.ts';
import type { MatchedWay } from '../../../app/commands/options.ts';
import type { Arguments } from '../../parse/arguments.ts';
import type { CommandContext } from '../../parse/command.ts';
import { createReport } from '../../terminal/report.ts';
import { decideProxy, describeTarget } from '../environment.ts';
import { parseHops } from '../hops.ts';
import { openConfig } from './config.ts';
import { type Decided, direct, type Wanted, type WayOptions } from './wanted.ts';

/** Finds the way to each target where the command line names none, as `decideWays` says. @throws {TunlError} usage */
export async function decideByRules(
  wanted: readonly Wanted[],
  { fallbacks, doubts }: Pick<WayOptions, 'fallbacks' | 'doubts'>,
  args: Arguments,
  context: CommandContext,
): Promise<Decided[]> {
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
    return { way: once(named?.place ?? proxy?.variable ?? '', () => readChoice(choice, fallbacks)), source };
  });
  for (const [message, level] of said) emit({ event: 'notice', level, message });
  return decided;
}

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

/** Reads the proxies of a rule. @throws {TunlError} usage */
export function readChoice({ named, proxy, source }: WayChoice, fallbacks: WayOptions['fallbacks']): DraftWay {
  if (named) return named.read({ ...fallbacks, source });
  if (!proxy) return direct;
  const { url, variable } = proxy;
  return [parseHops([url], { ...fallbacks, source: variable, variable })];
}

function toChoice(target: Wanted['target'], named: NamedWay): WayChoice {
  const { name, place } = named;
  return { named, source: `from ${place} (${name})`, reason: `${describeTarget(target)}: ${writeRule(named)}` };
}

function writeRule({ name, written, place }: NamedWay): string {
  return `${name} says ${written} (${place})`;
}

/** An entry of `match` for the targets that clients will name. */
export interface WantedMatch extends Pick<MatchedWay, 'pattern' | 'rule'> {
  /** Asks for its proxies, like a target that has a way of its own. */
  readonly wanted: Wanted;
}

/** Lists the entries of `match` for the targets of clients. @throws {TunlError} usage, with the position in the file */
export async function listMatches(args: Arguments, context: CommandContext): Promise<WantedMatch[]> {
  const config = await openConfig(args, context);
  return (config?.matches ?? []).map((way) => ({
    pattern: way.pattern,
    rule: writeRule(way),
    wanted: { target: 'any', way },
  }));
}
