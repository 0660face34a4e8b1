import type { CommandSpec } from '../parse/command.ts';
import type { OptionSpec } from '../parse/option.ts';

/** Width of help, the same on every terminal. */
const width = 100;

/** Longest option whose summary follows on the same line. */
const maxLead = 28;

/** Formats the help of the program: its purpose and its commands. */
export function formatProgramHelp(commands: readonly CommandSpec[]): string {
  const rows = commands.map(({ name, forms, summary }) => formatRow(`${name} ${forms.join(' | ')}`, summary, 36));
  return [
    'tunl opens byte tunnels through HTTP proxies, and is such a proxy.',
    '',
    'Commands:',
    ...rows,
    '',
    'Options:',
    formatRow('-h, --help', 'print this; tunl COMMAND --help says more', 36),
    formatRow('-V, --version', 'print the version', 36),
    '',
    'tunl help exit-codes lists what an exit status means.',
    '',
  ].join('\n');
}

/** Formats the help of one command, examples first. */
export function formatCommandHelp({ name, forms, summary, examples, groups }: CommandSpec): string {
  const lines = [`tunl ${name}: ${summary}`, '', 'Examples:'];
  for (const { what, line } of examples) lines.push(`  # ${what}`, `  ${line}`);
  lines.push(
    '',
    ...forms.map((form, index) => `${index === 0 ? 'Usage:' : '      '} tunl ${name} ${withOptions(form)}`),
  );
  for (const { title, options } of groups) {
    lines.push('', `${title}:`, ...options.map((option) => formatRow(formatOption(option), describe(option), maxLead)));
  }
  return [...lines, ''].join('\n');
}

/** Writes an option with its value: `-x, --proxy URL`. */
function formatOption({ name, short, value }: OptionSpec): string {
  const long = value === undefined ? `--${name}` : `--${name} ${value}`;
  return short === undefined ? `    ${long}` : `-${short}, ${long}`;
}

function describe({ summary, fallback }: OptionSpec): string {
  return fallback === undefined ? summary : `${summary} (${fallback})`;
}

function formatRow(lead: string, text: string, leadWidth: number): string {
  const indent = ' '.repeat(leadWidth + 4);
  const lines = wrap(text, width - indent.length);
  const head = lead.length > leadWidth ? `  ${lead}\n${indent}` : `  ${lead.padEnd(leadWidth)}  `;
  return head + lines.join(`\n${indent}`);
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Adds the options to a form, before a `--`: the words after it belong to another command. */
function withOptions(form: string): string {
  return form.replace(/(?= -- )|$/, ' [OPTIONS]');
}
