import { expect, test } from 'vitest';
import { type Stage, listStages } from '../../../src/chain/model/graph.ts';
import { printGraph } from '../../../src/chain/print/graph.ts';
import { listKeys } from '../../../src/chain/read/schema.ts';
import { describeInFile } from '../../../src/chain/read/schema-parts.ts';
import { limitGroup, readCaps, readLimits } from '../../../src/cli/options/limits.ts';
import { listOptions } from '../../../src/cli/parse/program.ts';
import { parseDuration } from '../../../src/syntax/duration.ts';
import {
  capSettings,
  collectCaps,
  collectLimits,
  defaultLimits,
  fallbackOf,
  formatLimit,
  limitSettings,
} from '../../../src/syntax/settings.ts';
import { loadText } from '../../support/graphs/chain-file.ts';
import { refusalOf } from '../../support/usage.ts';
import { commands, parseCommandLine } from '../../support/harness/command-line.ts';

const parse = (...words: string[]) => parseCommandLine(words).args;

/** The only stage of a file, and the same file as it is printed. */
function load(body: string): { readonly stage: Stage; readonly printed: string } {
  const { graph } = loadText(`stages:\n  a: { listen: 1, ${body} }\n`);
  return { stage: listStages(graph)[0] ?? expect.fail('no stage'), printed: printGraph(graph) };
}

/** The jobs of a stage, each with the command that has the same defaults and the words that make such a stage. */
const jobs = [
  ['forward', ['forward', ':db:1'], 'to: b:1'],
  ['serve', ['serve'], 'proxy: true'],
  ['serve', ['serve'], "http: { routes: [{ answer: '200' }] }"],
] as const;

test.each(jobs)('limits that nobody sets are those of the table for %s, by %j and by { %s }', (side, words, body) => {
  const { stage, printed } = load(body);
  expect(readLimits(parse(...words), side)).toEqual(defaultLimits(side));
  expect(stage.route.limits).toEqual(defaultLimits(side));
  expect(printed).not.toContain('limits');
});

test.each(limitSettings)('$key: the option, the file and what is printed agree', ({ key, flag, field }) => {
  const { stage, printed } = load(`to: b:1, limits: { ${key}: 1234ms }`);
  expect(stage.route.limits).toEqual({ ...defaultLimits('forward'), [field]: 1234 });
  expect(printed).toContain(`limits: { ${key}: 1.234s }`);
  if (flag === undefined) return;
  for (const [side, words] of jobs) {
    const { [field]: ms } = readLimits(parse(...words, `--${flag}`, '1234ms'), side);
    expect(ms).toBe(1234);
  }
});

test.each(limitSettings)(
  '$key: 0 and off switch it off, and what is no duration is refused',
  ({ key, flag, field }) => {
    for (const word of ['0', 'off']) {
      const { stage, printed } = load(`to: b:1, limits: { ${key}: ${word} }`);
      expect(stage.route.limits[field]).toBe(0);
      expect(listStages(loadText(printed).graph)[0]?.route.limits[field] ?? 0).toBe(0);
      if (flag !== undefined) expect(readLimits(parse('serve', `--${flag}`, word), 'serve')[field]).toBe(0);
    }
    expect(refusalOf(() => load(`to: b:1, limits: { ${key}: soon }`)).message).toContain(`${key}: "soon"`);
    if (flag === undefined) return;
    const refusal = refusalOf(() => readLimits(parse('serve', `--${flag}`, 'soon'), 'serve'));
    expect(refusal.message).toContain(`--${flag}: "soon"`);
  },
);

test.each(limitSettings)('$key: the help of each command says its default', (setting) => {
  const { flag } = setting;
  for (const side of ['forward', 'serve'] as const) {
    const option = limitGroup(side).options.find(({ name }) => name === flag);
    expect(option?.fallback).toBe(flag && fallbackOf(setting, side));
  }
  expect(describeInFile(setting)).toContain(`${setting.summary}; ${setting.fallback}`);
});

test.each(capSettings)('$key: the option, the file and what is printed agree', ({ key, flag, field }) => {
  const { stage, printed } = load(`proxy: { ${key}: 7 }`);
  expect(stage).toMatchObject({ caps: { [field]: 7 } });
  expect(readCaps(parse('serve', `--${flag}`, '7'))).toEqual({ caps: { [field]: 7 } });
  expect(printed).toContain(`proxy: { ${key}: 7 }`);
});

test.each(capSettings)(
  '$key: nobody who is silent has one, and what is no number from 1 is refused',
  ({ key, flag }) => {
    expect(readCaps(parse('serve'))).toEqual({});
    expect(load('proxy: true').stage).not.toHaveProperty('caps');
    for (const word of ['0', '1000001', '1.5', 'many']) {
      expect(refusalOf(() => readCaps(parse('serve', `--${flag}`, word))).message).toContain(`--${flag} "${word}"`);
      expect(refusalOf(() => load(`proxy: { ${key}: ${word} }`)).message).toContain(key);
    }
  },
);

test('files and options know the keys of the table and no others', () => {
  const keys = limitSettings.map(({ key }) => key);
  expect(listKeys(['defaults', 'limits'])).toEqual(keys);
  expect(listKeys(['stages', 'a', 'limits'])).toEqual(keys);
  expect(listKeys(['stages', 'a', 'proxy'])).toEqual(expect.arrayContaining(capSettings.map(({ key }) => key)));
  const flags = [...limitSettings, ...capSettings].flatMap(({ flag }) => flag ?? []);
  const serve = commands.find(({ name }) => name === 'serve') ?? expect.fail('no serve');
  expect(listOptions(serve).map(({ name }) => name)).toEqual(expect.arrayContaining(flags));
});

test('no two rows share a key, an option or a field', () => {
  for (const rows of [limitSettings, capSettings]) {
    for (const part of ['key', 'flag', 'field'] as const) {
      const values = rows.flatMap((row) => row[part] ?? []);
      expect(new Set(values).size).toBe(values.length);
    }
  }
});

test('a file of Envoy has its own limits for connections', () => {
  expect(defaultLimits('envoy')).toEqual({ ...defaultLimits('forward'), connectMs: 5000, tlsMs: 5000 });
});

test('limits that somebody says come before the defaults, and caps that nobody says are none', () => {
  expect(collectLimits('serve', ({ key }) => (key === 'idle' ? 0 : undefined))).toEqual({
    ...defaultLimits('serve'),
    idleMs: 0,
  });
  expect(collectCaps(() => undefined)).toEqual({});
});

test.each([0, 1, 250, 1234, 60_000, 90_000, 3_600_000])('%d ms are read as they are written', (ms) => {
  expect(parseDuration(formatLimit(ms), 'x')).toBe(ms);
});
