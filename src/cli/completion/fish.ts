import type { OptionSpec } from '../command.ts';
import type { CommandWords, Words } from './words.ts';

/** The script for fish. */
export function formatFish({ commands, schemes }: Words): string {
  const urls = schemes.flatMap(({ scheme, summary }) => [quote(scheme), quote(summary)]).join(' ');
  return [
    '# fish completion for tunl, made by: tunl completion fish',
    '',
    'function __tunl_proxies',
    `    printf '%s\\t%s\\n' ${urls}`,
    'end',
    '',
    '# Completes what follows --, a command line of its own.',
    'function __tunl_command',
    '    set -l words (commandline -opc) (commandline -ct)',
    '    set -l at (contains -i -- -- $words); or return',
    "    complete -C (string join ' ' -- $words[(math $at + 1)..-1])",
    'end',
    '',
    'complete -c tunl -f',
    `complete -c tunl -n __fish_use_subcommand -s h -l help -d ${quote('print help')}`,
    `complete -c tunl -n __fish_use_subcommand -s V -l version -d ${quote('print the version')}`,
    ...commands.map(({ name, summary }) => `complete -c tunl -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`),
    ...commands.flatMap((command) => ['', ...formatCommand(command)]),
    '',
  ].join('\n');
}

function formatCommand({ name, options, completes, takesCommand }: CommandWords): string[] {
  const prefix = `complete -c tunl -n ${quote(`__fish_seen_subcommand_from ${name}`)}`;
  const operands =
    completes === 'host'
      ? [`${prefix} -a '(__fish_print_hostnames)'`]
      : Array.isArray(completes)
        ? [`${prefix} -a ${quote(completes.join(' '))}`]
        : [];
  const command = takesCommand ? [`${prefix} -a '(__tunl_command)'`] : [];
  return [...operands, ...command, ...options.map((option) => `${prefix} ${formatOption(option)}`)];
}

function formatOption({ name, short, value, summary, completes }: OptionSpec): string {
  const words = short === undefined ? `-l ${name}` : `-s ${short} -l ${name}`;
  const offers =
    completes === 'proxy'
      ? "-x -a '(__tunl_proxies)'"
      : completes === 'file'
        ? '-r -F'
        : value === undefined
          ? ''
          : '-x';
  return [words, offers, `-d ${quote(summary)}`].filter((part) => part !== '').join(' ');
}

function quote(text: string): string {
  return `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
}
