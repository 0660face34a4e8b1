import { redact } from '../syntax/hop-url.ts';
import type { ConfigWords, ForwardConfig, WayConfig } from './schema.ts';

/** The names of a configuration, each with what it stands for as it is written, without secrets. */
export interface ConfigSummary {
  readonly path: string;
  readonly proxies: readonly ConfigEntry[];
  readonly forwards: readonly ConfigEntry[];
  readonly match: readonly ConfigEntry[];
  /** The way of `defaults`. */
  readonly defaults: string | undefined;
}

interface ConfigEntry {
  readonly name: string;
  readonly written: string;
}

/** Tells what a file names, without secrets. */
export function summarise(path: string, { proxies, forwards, match, defaults }: ConfigWords): ConfigSummary {
  const list = <T>(words: Readonly<Record<string, T>> | undefined, write: (word: T) => string) =>
    Object.entries(words ?? {}).map(([name, word]) => ({ name, written: write(word) }));
  return {
    path,
    proxies: list(proxies, writeWay),
    forwards: list(forwards, (words) => [toObject(words).spec].flat().join(', ')),
    match: list(match, writeWay),
    defaults: defaults?.proxy && writeWay(defaults.proxy),
  };
}

/** Writes a way in one line: `@work, https://edge.example`. */
export function writeWay(words: WayConfig): string {
  return [words]
    .flat()
    .map((place) => redactAll(typeof place === 'string' ? place : place.url))
    .join(', ');
}

function redactAll(text: string): string {
  return text.split('|').map(redact).join('|');
}

/** True for a forward that is written with its keys. */
export function isObject(words: ForwardConfig): words is Exclude<ForwardConfig, string | readonly string[]> {
  return typeof words === 'object' && !Array.isArray(words);
}

/** Returns a forward as its keys. */
export function toObject(words: ForwardConfig): {
  readonly spec: string | readonly string[];
  readonly proxy?: WayConfig;
} {
  return isObject(words) ? words : { spec: words };
}
