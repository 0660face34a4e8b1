import { carriers, schemes } from '../../../carriers/index.ts';
import type { CommandSpec } from '../../parse/command.ts';
import type { OptionSpec } from '../../parse/option.ts';
import { listExitCodes } from '../exit-codes.ts';
import { tlsOptions } from '../../options/tls.ts';
import { commandProse, programProse } from './prose.ts';
import { type Block, formatPage, type Section } from './roff.ts';

/** The date of the last review of the prose, which each page must give. */
const date = '2026-11-30';

/** Writes all pages of the manual for these commands and a version of the program, by file name. */
export function formatManual(commands: readonly CommandSpec[], version: string): ReadonlyMap<string, string> {
  const head = (name: string) => ({ name, date, source: `tunl ${version}` });
  return new Map([
    ['tunl.1', formatPage(head('tunl'), describeProgram(commands))],
    ...commands.map((command): [string, string] => {
      const name = `tunl-${command.name}`;
      return [`${name}.1`, formatPage(head(name), describeCommand(command, commands))];
    }),
  ]);
}

function describeProgram(commands: readonly CommandSpec[]): Section[] {
  return [
    { title: 'NAME', blocks: [String.raw`tunl - open byte tunnels through HTTP proxies, and be such a proxy`] },
    { title: 'SYNOPSIS', blocks: [{ code: ['tunl COMMAND [OPTIONS] [ARGUMENTS]', 'tunl --version'] }] },
    { title: 'DESCRIPTION', blocks: programProse.description },
    {
      title: 'COMMANDS',
      blocks: commands.map(({ name, summary }) => ({ term: `\`tunl-${name}\`(1)`, text: summary })),
    },
    { title: 'PROXIES', blocks: programProse.proxies },
    { title: 'Schemes', blocks: schemes.map(describeScheme) },
    { title: 'Settings of a proxy', blocks: [programProse.settings, ...listSettings()] },
    ...programProse.sections,
    { title: 'EXIT STATUS', blocks: listExitCodes().map(describeExit) },
    { title: 'SEE ALSO', blocks: [seeAlso(commands.map(({ name }) => `tunl-${name}`))] },
  ];
}

function describeCommand(command: CommandSpec, commands: readonly CommandSpec[]): Section[] {
  const { name, forms, summary, examples, groups } = command;
  const { description, sections = [] } = commandProse[name] ?? { description: [] };
  return [
    { title: 'NAME', blocks: [`tunl-${name} - ${summary}`] },
    { title: 'SYNOPSIS', blocks: [{ code: forms.map((form) => `tunl ${name} [OPTIONS] ${form}`) }] },
    { title: 'DESCRIPTION', blocks: description },
    { title: 'EXAMPLES', blocks: examples.flatMap(({ what, line }): Block[] => [`${what}:`, { code: [line] }]) },
    { title: 'OPTIONS', blocks: [] },
    ...groups.map(({ title, options }) => ({ title, blocks: options.map(describeOption) })),
    ...sections,
    { title: 'EXIT STATUS', blocks: ['See `tunl`(1) or `tunl help exit-codes`.'] },
    {
      title: 'SEE ALSO',
      blocks: [seeAlso(['tunl', ...commands.map((other) => `tunl-${other.name}`)], `tunl-${name}`)],
    },
  ];
}

function describeOption({ name, short, value, summary, fallback }: OptionSpec): Block {
  const long = `\`--${name}\`${value === undefined ? '' : ` ${value}`}`;
  const term = short === undefined ? long : `\`-${short}\`, ${long}`;
  return { term, text: fallback === undefined ? summary : `${summary} (default: ${fallback})` };
}

function describeScheme({ scheme, summary, defaultPort }: (typeof schemes)[number]): Block {
  return { term: `\`${scheme}://\``, text: `${summary} (default port: ${defaultPort})` };
}

/** Lists the settings of TLS and of each carrier, with the schemes that have them. */
function listSettings(): Block[] {
  const ofTls = Object.values(tlsOptions).map(({ name, value, summary }) => ({
    term: `\`${name}\`${value === undefined ? '' : `=${value}`}`,
    text: summary,
  }));
  const settings = new Map(carriers.flatMap((carrier) => carrier.settings.map((setting) => [setting.name, setting])));
  const ofCarriers = [...settings.values()].map(({ name, summary }) => {
    const takers = schemes.filter(({ carrier }) => carrier.settings.some((own) => own.name === name));
    return { term: `\`${name}\`=`, text: `${summary}. For ${takers.map(({ scheme }) => `\`${scheme}\``).join(', ')}` };
  });
  return [...ofTls, ...ofCarriers];
}

function describeExit({ status, codes }: ReturnType<typeof listExitCodes>[number]): Block {
  return { term: `\`${status}\``, text: codes.map(({ sentence }) => sentence).join('; ') };
}

function seeAlso(names: readonly string[], own?: string): string {
  return names
    .filter((name) => name !== own)
    .map((name) => `\`${name}\`(1)`)
    .join(', ');
}
