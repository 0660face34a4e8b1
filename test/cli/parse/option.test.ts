import { expect, test } from 'vitest';
import { Arguments } from '../../../src/cli/parse/arguments.ts';
import { asText, counter, flag, list, option, type Option } from '../../../src/cli/parse/option.ts';
import { usageError } from '../../../src/core/errors.ts';
import { refusalOf } from '../../support/usage.ts';

const toNumber = (text: string, name: string): number => {
  if (/^\d+$/.test(text)) return Number(text);
  throw usageError(`${name} is no number`);
};

const quiet = flag('quiet', { summary: 'says less' });
const loud = counter('loud', { summary: 'says more' });
const times = option('times', toNumber, { value: 'N', summary: 'how often' });
const grace = option('grace', toNumber, { value: 'N', summary: 'how long', fallback: '10' });
const sizes = list('size', toNumber, { value: 'N', summary: 'how big' });
const words = list('word', asText, { value: 'TEXT', summary: 'what to say' });
const all: readonly Option<unknown>[] = [quiet, loud, times, grace, sizes, words];

const argumentsOf = (values: Record<string, unknown>) => new Arguments(values, [], undefined, all);

test('options that are not given mean nothing, or their fallback', () => {
  const args = argumentsOf({});
  const [isQuiet, howLoud, most, wait]: readonly [boolean, number, number | undefined, number] = [
    args.get(quiet),
    args.get(loud),
    args.get(times),
    args.get(grace),
  ];
  expect([isQuiet, howLoud, most, wait, args.get(sizes), args.get(words)]).toEqual([false, 0, undefined, 10, [], []]);
  expect(all.filter((each) => args.isGiven(each))).toEqual([]);
});

test('options that are given mean what their parsers read', () => {
  const args = argumentsOf({ quiet: true, loud: 2, times: ['1', '3'], grace: '0', size: ['4', '5'], word: 'x' });
  const values = [args.get(quiet), args.get(loud), args.get(times), args.get(grace), args.get(sizes), args.get(words)];
  expect(values).toEqual([true, 2, 3, 0, [4, 5], ['x']]);
  expect(all.filter((each) => args.isGiven(each))).toEqual(all);
});

test('a parser is told the option as people write it, and asked only for the value that counts', () => {
  expect(refusalOf(() => argumentsOf({ times: 'x' }).get(times)).message).toBe('--times is no number');
  expect(argumentsOf({ times: ['x', '3'] }).get(times)).toBe(3);
  expect(refusalOf(() => argumentsOf({ size: ['1', 'x'] }).get(sizes)).message).toBe('--size is no number');
});

test('an empty value is refused whoever asks', () => {
  expect(refusalOf(() => argumentsOf({ grace: '' })).message).toBe('--grace needs a value: N');
});

test('a name in the place of an option does not compile', () => {
  const args = argumentsOf({ quiet: true });
  // @ts-expect-error: the name of an option is not the option
  expect(() => args.get('quiet')).toThrow('read is not a function');
});
