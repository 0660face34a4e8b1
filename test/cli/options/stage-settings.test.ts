import { expect, test } from 'vitest';
import { type Stage, listStages } from '../../../src/chain/model/graph.ts';
import { printGraph } from '../../../src/chain/print/graph.ts';
import { listKeys } from '../../../src/chain/read/schema.ts';
import { describeInFile } from '../../../src/chain/read/schema-parts.ts';
import { readRest } from '../../../src/cli/options/route.ts';
import { listOptions } from '../../../src/cli/parse/program.ts';
import { readSettings, settingOption } from '../../../src/cli/parse/setting.ts';
import {
  collectValues,
  familySetting,
  proxySettings,
  resolverSetting,
  retrySetting,
  routeSettings,
  ruleSettings,
  stageSettings,
  type StageSetting,
} from '../../../src/syntax/stage-settings.ts';
import { listenerTlsSettings } from '../../../src/syntax/listener/tls.ts';
import { loadText } from '../../support/graphs/chain-file.ts';
import { refusalOf } from '../../support/usage.ts';
import { commands, parseCommandLine } from '../../support/harness/command-line.ts';

const parse = (...words: string[]) => parseCommandLine(words).args;

/** The only stage of a file, and the same file as it is printed. */
function load(body: string): { readonly stage: Stage; readonly printed: string } {
  const { graph } = loadText(`stages:\n  a: { listen: 1, ${body} }\n`);
  return { stage: listStages(graph)[0] ?? expect.fail('no stage'), printed: printGraph(graph) };
}

/** All rows, with functions that write a stage with a setting and find the part of the stage that has its field. */
const places: readonly {
  readonly settings: readonly StageSetting[];
  readonly path: readonly string[];
  readonly wrap: (words: string) => string;
  readonly part: (stage: Stage) => object | undefined;
}[] = [
  {
    settings: [...ruleSettings, ...proxySettings],
    path: ['proxy'],
    wrap: (words) => `proxy: { ${words} }`,
    part: (stage) => stage,
  },
  {
    settings: ruleSettings,
    path: ['http'],
    wrap: (words) => `http: { ${words}, routes: [{ answer: 404 }] }`,
    part: (stage) => stage,
  },
  {
    settings: listenerTlsSettings,
    path: ['tls'],
    wrap: (words) => `to: b:1, tls: { cert: /x/cert, ${words} }`,
    part: (stage) => stage.tls,
  },
  {
    settings: stageSettings,
    path: [],
    wrap: (words) => `to: b:1, ${words}`,
    part: (stage) => stage,
  },
  {
    settings: [retrySetting, ...routeSettings],
    path: [],
    wrap: (words) => `to: b:1, ${words}`,
    part: (stage) => stage.route,
  },
];

/** Some values of a setting: as words, and as the model has them. */
function valuesOf(setting: StageSetting): readonly (readonly [word: string, value: unknown])[] {
  switch (setting.kind) {
    case 'switch':
      return [['true', true]];
    case 'rules':
      return [['a.example:443', ['a.example:443']]];
    case 'names':
      return [['DNS:a.example', ['DNS:a.example']]];
    case 'file':
      return [[`/x/${setting.key}`, `/x/${setting.key}`]];
    case 'path-prefix':
      return [
        ['/team/tunnels', '/team/tunnels'],
        [setting.usual, undefined],
      ];
    case 'socket':
      return [['unix:/run/agent.sock', 'unix:/run/agent.sock']];
    case 'ip':
      return [
        ['127.0.0.2', '127.0.0.2'],
        ['::1', '::1'],
      ];
    case 'count':
      return [
        ['1', 1],
        [String(setting.max), setting.max],
      ];
    case 'duration':
      return [
        ['10m', 600_000],
        ['off', 0],
      ];
    case 'choice':
      return setting.values.map((value) => [String(value), value === setting.usual ? undefined : value]);
  }
}

const cases = places.flatMap(({ settings, path, wrap, part }) =>
  settings.flatMap((setting) =>
    valuesOf(setting).map(([word, value]) => ({ ...setting, setting, path, wrap, part, word, value })),
  ),
);

test.each(cases)(
  '$key in $path: a file says $word, and is printed as it was',
  ({ key, field, wrap, part, word, value }) => {
    // A key that stands there twice is a fault, and cert stands there already.
    const { stage, printed } = load(
      key === 'cert' ? wrap('').replace('/x/cert', word) : wrap(`${key}: '${word}'`.replace(/'(true|\d+)'/, '$1')),
    );
    expect((part(stage) as Record<string, unknown>)[field]).toEqual(value);
    if (value === undefined) expect(printed).not.toContain(`${key}:`);
    else expect(printed).toContain(`${key}: ${word}`);
    expect(listStages(loadText(printed).graph)).toEqual([stage]);
  },
);

test.each(cases.filter(({ flag }) => flag !== undefined))(
  '--$flag: the option means the same as the key, $word',
  ({ setting, flag, field, word, value }) => {
    const args = parse('serve', `--${flag}`, ...(setting.kind === 'switch' ? [] : [word]));
    expect(readSettings(args, [setting])).toEqual(value === undefined ? {} : { [field]: value });
  },
);

test.each(cases.filter(({ kind }) => kind !== 'rules' && kind !== 'file'))(
  '$key: other words are refused',
  ({ setting, key, flag, wrap }) => {
    expect(refusalOf(() => load(wrap(`${key}: nonsense`))).message).toContain(key);
    if (flag === undefined || setting.kind === 'switch') return;
    expect(refusalOf(() => readSettings(parse('serve', `--${flag}`, 'nonsense'), [setting])).message).toContain(
      `--${flag}${setting.kind === 'duration' ? ':' : ''} "nonsense" is n`,
    );
  },
);

test.each(['-1', '10000', '00001', '1.5', ''])('--retry "%s" is refused', (word) => {
  expect(refusalOf(() => readRest(parse('connect', 'a:1', `--retry=${word}`))).message).toContain('--retry');
});

test('each version of IP has an option, and both contradict each other', () => {
  for (const version of familySetting.values)
    expect(readRest(parse('connect', 'a:1', `-${version}`))).toEqual({ retries: 0, family: version });
  expect(refusalOf(() => readRest(parse('connect', 'a:1', '-4', '-6'))).message).toContain('contradict');
});

test('nobody who is silent has any of them', () => {
  const args = parse('serve');
  expect(readSettings(args, ruleSettings)).toEqual({ allow: [], deny: [] });
  const switches = proxySettings.filter(({ kind }) => kind === 'switch');
  expect(readSettings(args, proxySettings)).toEqual(Object.fromEntries(switches.map(({ field }) => [field, false])));
  expect(readSettings(args, listenerTlsSettings)).toEqual({});
  expect(readRest(args)).toEqual({ retries: 0 });
  expect(load('proxy: true').stage).toMatchObject({ allow: [], deny: [], open: false });
  expect(load('proxy: true').printed).toContain('proxy: true');
  expect(collectValues(proxySettings, () => undefined)).toEqual({});
});

test.each(places)('files know the keys of $path, and serve the options', ({ settings, path }) => {
  expect(listKeys(['stages', 'a', ...path])).toEqual(expect.arrayContaining(settings.map(({ key }) => key)));
  const serve = commands.find(({ name }) => name === 'serve') ?? expect.fail('no serve');
  const flags = settings.flatMap(({ flag }) => flag ?? []);
  expect(listOptions(serve).map(({ name }) => name)).toEqual(expect.arrayContaining(flags));
});

test('no two settings of one place share a key, an option or a field', () => {
  for (const { settings } of places) {
    for (const part of ['key', 'flag', 'field'] as const) {
      const names = settings.flatMap((setting) => setting[part] ?? []);
      expect(new Set(names).size).toBe(names.length);
    }
  }
});

test('help and files say the same, each in its way', () => {
  const [allow, deny] = ruleSettings;
  expect(settingOption(allow)?.summary).toBe(`${allow.summary}; repeatable`);
  expect(describeInFile(deny)).toBe('deny these targets, whatever allow says');
  expect(settingOption(resolverSetting)?.summary).toBe(
    'whom to ask for names: system or dns; default: both, as ssh does, and for serve the name servers alone',
  );
  expect(describeInFile(resolverSetting)).toBe(
    'whom to ask for names; both, as ssh does, and the name servers alone for a proxy or http',
  );
  expect(settingOption(listenerTlsSettings[1])?.summary).toBe('its key, a PEM file; default: the file of --cert');
  expect(describeInFile(listenerTlsSettings[1])).toBe('its key, a PEM file; the file of cert without');
  expect(describeInFile(retrySetting)).toContain('so many times');
  expect(settingOption(familySetting)).toBeUndefined();
});
