import { formatAddress } from '../../core/address.ts';
import { formatLimit, limitSettings } from '../../syntax/settings.ts';
import { routeSettings, type StageSetting, type ValuesOf } from '../../syntax/stage-settings.ts';
import { formatHopConfig } from '../read/hop-words.ts';
import type { HopChoice, Limits, RouteOptions } from '../model/graph.ts';
import type { LimitsConfig, TargetConfig, ExitConfig, WrittenOf } from '../read/schema-parts.ts';
import type { SecretNames } from '../read/secret-names.ts';
import { escapeVariables } from '../read/secrets.ts';

/** Returns the only item of a list with one item, and a copy of any other list. */
export function unwrap<T>(list: readonly T[]): T | T[] {
  return list.length === 1 ? (list[0] as T) : [...list];
}

/** Writes settings of several kinds as in a file, without those that have their default value. */
export function toValueConfig<Rows extends readonly StageSetting[]>(
  settings: Rows,
  values: ValuesOf<Rows>,
): WrittenOf<Rows> {
  const said: { readonly [field in string]?: unknown } = values;
  const entries = settings.flatMap(({ kind, key, field }) => {
    const value = said[field];
    const word = kind === 'duration' && value !== undefined ? formatLimit(value as number) : toWord(value);
    return word === undefined ? [] : [[key, word]];
  });
  return Object.fromEntries(entries) as WrittenOf<Rows>;
}

function toWord(value: unknown): unknown {
  if (value === false) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : unwrap(value.map(toWord));
  return typeof value === 'string' ? escapeVariables(value) : value;
}

/** Writes a route as in a file, without limits that have their default value. */
export function toExitConfig(
  route: RouteOptions,
  usual: Limits,
  names: SecretNames,
): Omit<ExitConfig, 'to' | 'balance'> {
  const retry = toRetryConfig(route);
  const limits = toLimitConfig(route.limits, usual);
  return {
    ...toViaConfig(route, names),
    ...(limits && { limits }),
    ...(retry !== undefined && { retry }),
    ...toValueConfig(routeSettings, route),
  };
}

function toViaConfig({ entry, hops, hopBalance }: RouteOptions, names: SecretNames): Pick<ExitConfig, 'via'> {
  // If no place has alternatives, the balance is written at the first place.
  const isPlural = hops.some(({ length }) => length > 1);
  const places = hops.map((choice, index) => {
    const isSaid = hopBalance !== undefined && (isPlural ? choice.length > 1 : index === 0);
    return toPlaceConfig(choice, isSaid ? hopBalance : undefined, names);
  });
  const all = [...(entry ? [formatAddress(entry)] : []), ...places];
  return all.length === 0 ? {} : { via: unwrap(all) };
}

function toPlaceConfig(choice: HopChoice, balance: RouteOptions['hopBalance'], names: SecretNames): TargetConfig {
  const ways = choice.map((hop) => formatHopConfig(hop, names));
  if (balance !== undefined) return { any: ways, balance };
  const urls = ways.filter((way) => typeof way === 'string');
  if (urls.length === ways.length) return urls.join('|');
  const [only, ...others] = ways;
  return only !== undefined && others.length === 0 ? only : { any: ways };
}

function toLimitConfig(limits: Limits, usual: Limits): LimitsConfig | undefined {
  const given = limitSettings.flatMap(({ key, field }) => {
    const ms = limits[field];
    return ms === undefined || ms === usual[field] ? [] : [[key, formatLimit(ms)] as const];
  });
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

function toRetryConfig({ retries = 0, backOff, retryOn }: RouteOptions): ExitConfig['retry'] {
  if (!backOff && retryOn === undefined) return retries > 0 ? retries : undefined;
  return {
    times: retries,
    ...(backOff && { base: formatLimit(backOff.baseMs), max: formatLimit(backOff.maxMs) }),
    ...(retryOn !== undefined && { on: retryOn }),
  };
}
