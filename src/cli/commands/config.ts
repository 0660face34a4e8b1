import type { Config } from '../../app/commands/config.ts';
import { usageError } from '../../core/errors.ts';
import { formatHop } from '../../core/hop.ts';
import { parseTarget } from '../../syntax/target.ts';
import { quote } from '../../syntax/text.ts';
import { parseForwardSpec } from '../options/forward-spec.ts';
import { outputGroup } from '../options/output.ts';
import { openConfig } from '../options/ways/config.ts';
import { chooseWay, readChoice } from '../options/ways/rules.ts';
import type { Arguments } from '../parse/arguments.ts';
import type { CommandContext, CommandSpec } from '../parse/command.ts';
import { flag, option } from '../parse/option.ts';
import { parseChoice } from '../parse/setting.ts';

const checkOption = flag('check', { summary: 'only say whether the file is right; no command for a password is run' });

const explainOption = option('explain', parseTarget, {
  value: 'HOST:PORT',
  summary: 'say which way a target is reached, and what decides that; nothing is dialled',
  completes: 'host',
});

const nameKinds = ['proxies', 'forwards'] as const;

const namesOption = option('names', (text, name) => parseChoice(text, name, nameKinds), {
  value: 'KIND',
  summary: 'list the names of proxies or forwards, one on a line, for completions',
  completes: nameKinds,
});

/** `tunl config`: tells of the configuration of the user. */
export const config: CommandSpec = {
  name: 'config',
  forms: ['[--check | --explain HOST:PORT]'],
  summary: 'show the configuration of the user, check it, or explain a way',
  examples: [
    { what: 'what is in it?', line: 'tunl config' },
    { what: 'is it right?', line: 'tunl config --check' },
    { what: 'through which proxies is this target reached, and why?', line: 'tunl config --explain db.internal:5432' },
  ],
  groups: [{ title: 'What to tell', options: [checkOption, explainOption, namesOption] }, outputGroup],
  run,
};

async function run(args: Arguments, context: CommandContext): Promise<number> {
  const [extra] = args.operands;
  if (extra !== undefined) throw usageError(`unexpected argument ${quote(extra)}`, 'write --explain HOST:PORT');
  const { ui } = context;
  const target = args.get(explainOption);
  const names = args.get(namesOption);
  const found = await openConfig(args, context);
  if (target !== undefined) ui.print(explain(target, found, context));
  else if (names !== undefined) ui.print(listNames(found, names));
  else if (!found) throw await nothing(context);
  else if (args.get(checkOption)) {
    found.check(fallbacks, parseForwardSpec);
    ui.say('normal', `${found.path} is right`);
  } else if (ui.output.form === 'json') ui.print(`${JSON.stringify({ version: 1, ...found.describe() })}\n`);
  else ui.print(show(found));
  return 0;
}

const fallbacks = { source: 'proxy', tls: {}, headers: [] };

async function nothing({ io }: CommandContext) {
  const { configVariable, findConfigPlace } = await import('../../app/commands/config.ts');
  const place = findConfigPlace(io.env);
  if (!place) return usageError(`there is no configuration: ${configVariable} is empty, or there is no HOME`);
  return usageError(
    `there is no ${place.path}`,
    'docs/configuration.md says what to write; for a start:',
    ...beginning,
  );
}

/** The lines of a file to begin with. */
const beginning = ['proxies:', '  work: http://proxy.corp:8080', 'match:', "  '*.corp': '@work'"];

function listNames(found: Config | undefined, kind: string): string {
  const names = kind === 'proxies' ? found?.proxies : found?.forwards;
  return (names ?? []).map((name) => `@${name}\n`).join('');
}

function show(found: Config): string {
  const { path, proxies, forwards, match, defaults } = found.describe();
  const at = (entries: typeof proxies) => entries.map(({ name, written }) => [`@${name}`, written] as const);
  const rows = [
    ...section('proxies', at(proxies)),
    ...section('forwards', at(forwards)),
    ...section(
      'match',
      match.map(({ name, written }) => [name, written] as const),
    ),
    ...(defaults === undefined ? [] : section('defaults', [['proxy', defaults]])),
  ];
  return [path, ...rows, ''].join('\n');
}

function section(title: string, entries: readonly (readonly [name: string, written: string])[]): string[] {
  if (entries.length === 0) return [];
  const width = Math.max(...entries.map(([name]) => name.length));
  return [`${title}:`, ...entries.map(([name, written]) => `  ${name.padEnd(width)}  ${written}`)];
}

function explain(
  target: ReturnType<typeof parseTarget>,
  found: Config | undefined,
  { io, ui }: CommandContext,
): string {
  const choice = chooseWay(target, undefined, found, io.env);
  const { source, reason = source, ignored = [] } = choice;
  for (const message of ignored) ui.say('normal', message);
  const hops = readChoice(choice, fallbacks).map((place) => place.map(formatHop).join('|'));
  if (ui.output.form === 'json') return `${JSON.stringify({ version: 1, reason, hops })}\n`;
  return [reason, ...(hops.length === 0 ? ['  directly'] : hops.map((hop) => `  through ${hop}`)), ''].join('\n');
}
