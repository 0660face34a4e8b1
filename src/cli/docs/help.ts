import { wrapAnsi } from 'fast-wrap-ansi';
import { helpAllOption, outputGroup } from '../options/output.ts';
import type { CommandSpec, OptionGroup } from '../parse/command.ts';
import type { OptionSpec } from '../parse/option.ts';
import { wrapShellLine } from './shell-line.ts';

/** The longest option whose summary follows on the same line, and the columns from which on one does. */
const [maxLead, minColumns] = [28, 60];

const indent = '  ';

const overviewExamples = [
  { what: 'ssh through a proxy', line: "ssh -o ProxyCommand='tunl connect -x http://proxy:3128 %h:%p' host" },
  {
    what: 'a port of this machine is the database',
    line: 'tunl forward 5432:db.internal:5432 -x http://proxy:3128',
  },
  { what: 'what does the proxy allow?', line: 'tunl check -x http://proxy:3128 host:22' },
];

/** Formats the overview of the program for a number of columns: its purpose, its commands and a few examples. */
export function formatProgramHelp(commands: readonly CommandSpec[], columns: number): string {
  const lead = Math.max(...commands.map(({ name }) => name.length));
  return toText([
    ...wrap('tunl opens byte tunnels through HTTP proxies, and is such a proxy.', columns),
    '',
    'Examples:',
    ...overviewExamples.flatMap((example) => formatExample(example, columns)),
    '',
    'Commands:',
    ...commands.map(({ name, summary }) => formatRow(name, summary, lead, columns)),
    '',
    ...wrap('tunl COMMAND --help says more, tunl help exit-codes what an exit status means.', columns),
  ]);
}

/** Formats the help of one command for a number of columns, examples first: with its common options, or with all. */
export function formatCommandHelp(command: CommandSpec, which: 'common' | 'all', columns: number): string {
  const { name, forms, summary, examples, groups, common } = command;
  const shown = which === 'all' || !common ? groups : [{ title: 'Options', options: common }, outputGroup];
  const rest = countOptions(groups) - countOptions(shown);
  const more = `tunl ${name} --${helpAllOption.name} lists ${rest} further options.`;
  return toText([
    ...wrap(`tunl ${name}: ${summary}`, columns),
    '',
    'Examples:',
    ...examples.flatMap((example) => formatExample(example, columns)),
    '',
    ...forms.flatMap((form, index) =>
      hang(`${index === 0 ? 'Usage:' : '      '} tunl ${name} ${withOptions(form)}`, columns, 9),
    ),
    ...shown.flatMap(({ title, options }) => [
      '',
      ...wrap(`${title}:`, columns),
      ...options.map((option) => formatRow(formatOption(option), describe(option), maxLead, columns)),
    ]),
    ...(rest > 0 ? ['', ...wrap(more, columns)] : []),
  ]);
}

function countOptions(groups: readonly OptionGroup[]): number {
  return groups.reduce((sum, { options }) => sum + options.length, 0);
}

function formatExample({ what, line }: CommandSpec['examples'][number], columns: number): string[] {
  const comment = wrap(what, columns - indent.length - 2).map((text) => `${indent}# ${text}`);
  return [...comment, ...wrapShellLine(line, columns, indent)];
}

/** Writes an option with its value: `-x, --proxy URL`. */
function formatOption({ name, short, value }: OptionSpec): string {
  const long = value === undefined ? `--${name}` : `--${name} ${value}`;
  return short === undefined ? `    ${long}` : `-${short}, ${long}`;
}

function describe({ summary, fallback }: OptionSpec): string {
  return fallback === undefined ? summary : `${summary} (${fallback})`;
}

/** Writes a term and its explanation side by side, or on a narrow terminal one below the other. */
function formatRow(lead: string, text: string, leadWidth: number, columns: number): string {
  const isWide = columns >= minColumns || leadWidth < columns / 3;
  const margin = isWide ? indent + ' '.repeat(leadWidth + 2) : indent.repeat(4);
  const body = wrap(text, columns - margin.length).join(`\n${margin}`);
  const isBeside = isWide && lead.length <= leadWidth;
  return isBeside ? `${indent}${lead.padEnd(leadWidth)}  ${body}` : `${indent}${lead}\n${margin}${body}`;
}

function wrap(text: string, columns: number): string[] {
  return wrapAnsi(text, columns).split('\n');
}

/** Wraps a text whose further lines are indented. */
function hang(text: string, columns: number, margin: number): string[] {
  const lead = text.length - text.trimStart().length;
  const [first = '', ...others] = wrap(text.trimStart(), columns - Math.max(margin, lead));
  return [' '.repeat(lead) + first, ...others.map((line) => ' '.repeat(margin) + line)];
}

function toText(lines: readonly string[]): string {
  return [...lines, ''].join('\n');
}

/** Adds the options to a form, before a `--`: the words after it belong to another command. */
function withOptions(form: string): string {
  return form.replace(/(?= -- )|$/, ' [OPTIONS]');
}
