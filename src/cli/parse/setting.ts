import { usageError } from '../../core/errors.ts';
import { parseDuration } from '../../syntax/duration.ts';
import {
  type ChoiceSetting,
  collectValues,
  parsePathPrefix,
  type StageSetting,
  type ValuesOf,
} from '../../syntax/stage-settings.ts';
import { parseSocket } from '../../syntax/listen.ts';
import { quote } from '../../syntax/text.ts';
import type { Arguments } from './arguments.ts';
import { asText, flag, list, option, type Option } from './option.ts';

/** Makes the option of a setting; none where only files have it. */
export function settingOption(setting: StageSetting): Option<unknown> | undefined {
  const { flag: name, summary } = setting;
  if (name === undefined) return undefined;
  switch (setting.kind) {
    case 'switch':
      return flag(name, { summary });
    case 'rules':
      return list(name, asText, { value: 'RULE', summary: `${summary}; repeatable` });
    case 'file':
      return option(name, asText, { value: 'FILE', summary: summary + usually(setting), completes: 'file' });
    case 'socket':
      return option(name, parseSocket, { value: 'unix:PATH', summary: summary + ', unix:PATH' });
    case 'count': {
      const { what, max } = setting;
      return option(name, (text, given) => parseCount(text, given, what, max), { value: 'N', summary });
    }
    case 'duration':
      return option(name, parseDuration, { value: 'TIME', summary });
    case 'path-prefix':
      return option(name, (text) => parsePathPrefix(text, `--${name}`), {
        value: 'PATH',
        summary: `${summary}; default: ${setting.usual}`,
      });
    case 'choice': {
      const values = setting.values.map(String);
      return option(name, (text, given) => parseChoice(text, given, values), {
        value: setting.value ?? 'WORD',
        summary: `${summary}: ${values.join(' or ')}${usually(setting)}`,
        completes: values,
      });
    }
  }
}

/** Makes the options of those settings that have one. */
export function settingOptions(settings: readonly StageSetting[]): readonly Option<unknown>[] {
  return settings.flatMap((setting) => settingOption(setting) ?? []);
}

/** Reads the options of some settings. @throws {TunlError} usage */
export function readSettings<Rows extends readonly StageSetting[]>(args: Arguments, settings: Rows): ValuesOf<Rows> {
  return collectValues(settings, (setting) => {
    const own = settingOption(setting);
    return own && args.get(own);
  });
}

function usually({ fallback, serveFallback }: Pick<ChoiceSetting, 'fallback' | 'serveFallback'>): string {
  if (fallback === undefined) return '';
  return `; default: ${fallback}${serveFallback === undefined ? '' : `, and for serve ${serveFallback}`}`;
}

/** Reads one of a few words. @throws {TunlError} usage */
export function parseChoice(text: string, name: string, values: readonly string[]): string {
  if (values.includes(text)) return text;
  throw usageError(`${name} ${quote(text)} is neither ${values.join(' nor ')}`);
}

function parseCount(text: string, name: string, what: string, max: number): number {
  if (/^\d+$/.test(text) && text.length <= String(max).length && Number(text) <= max) return Number(text);
  throw usageError(`${name} ${quote(text)} is not ${what}`);
}
