import type { Completes, OptionSpec } from '../../parse/option.ts';
import { type CommandWords, spell, type CompletionWords } from './words.ts';

/** Writes the script for fish 3 and later. */
export function formatFish({ commands, schemes, fronts }: CompletionWords): string {
  const names = commands.map(({ name }) => name).join(' ');
  const urls = schemes.map(({ scheme, summary }) => `        ${quote(scheme)} ${quote(summary)}`);
  return [
    `# fish completion for tunl, made by: tunl completion fish

# The words before the current one.
function __tunl_words
    set -l words (commandline -opc)
    set -e words[1]
    printf '%s\\n' $words
end

# True if this is the command, or with no argument if there is no command yet.
function __tunl_using
    for word in (__tunl_words)
        if contains -- $word ${names}
            test "$word" = "$argv[1]"
            return
        end
    end
    test (count $argv) -eq 0
end

# True after --, where the words belong to another command.
function __tunl_after_dashes
    contains -- -- (__tunl_words)
end

# Offers the completions of that command.
function __tunl_command
    set -l words (__tunl_words)
    set -l dashes (contains -i -- -- $words)
    set -e words[1..$dashes]
    complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
end

function __tunl_schemes
    printf '%s\\t%s\\n' \\
${urls.join(' \\\n')}
end

function __tunl_proxies
    set -l before (string match -r '^.*\\|' -- (commandline -ct))
    set -l host (string match -r '^(?:.*\\|)?[^|]*://(?:.*@)?' -- (commandline -ct))
    if string match -q -r '^(?:.*\\|)?@' -- (commandline -ct)
        string replace -r '^' -- "$before" (tunl config --names proxies 2>/dev/null)
    else if test -n "$host"
        string replace -r '^' -- "$host" (__fish_print_hostnames)
    else
        string replace -r '^' -- "$before" (__tunl_schemes)
    end
end

function __tunl_specs
    set -l before (string match -r '^.*:' -- (commandline -ct))
    if string match -q '@*' -- (commandline -ct)
        tunl config --names forwards 2>/dev/null
    else if string match -q -r '^unix:[^:]*$' -- (commandline -ct)
        __fish_complete_path (commandline -ct)
    else if contains -- "$before" ${fronts.join(' ')}
        return
    else if test -n "$before"
        string replace -r '(.+)' -- "$before\\$1:" (__fish_print_hostnames)
    else
        printf '%s\\n' ${fronts.join(' ')} @
    end
end

complete -c tunl -f
complete -c tunl -n __tunl_using -s h -l help -d ${quote('print help')}
complete -c tunl -n __tunl_using -s V -l version -d ${quote('print the version')}`,
    ...commands.map(({ name, summary }) => `complete -c tunl -n __tunl_using -a ${name} -d ${quote(summary)}`),
    ...commands.flatMap((command) => ['', ...formatCommand(command)]),
    '',
  ].join('\n');
}

function formatCommand({ name, options, completes, takesCommand }: CommandWords): string[] {
  const own = takesCommand ? `__tunl_using ${name}; and not __tunl_after_dashes` : `__tunl_using ${name}`;
  const prefix = `complete -c tunl -n ${quote(own)}`;
  return [
    ...(completes === undefined ? [] : [`${prefix} -a ${quote(offerFor(completes))}`]),
    ...(takesCommand
      ? [`complete -c tunl -n ${quote(`__tunl_using ${name}; and __tunl_after_dashes`)} -a '(__tunl_command)'`]
      : []),
    ...options.map((option) => `${prefix} ${formatOption(option)}`),
  ];
}

function formatOption(option: OptionSpec): string {
  const { value, completes, summary } = option;
  const words = spell(option).map((word) => (word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`));
  const takes = value === undefined ? [] : completes === 'file' ? ['-r -F'] : ['-x'];
  const offers = completes === undefined || completes === 'file' ? [] : [`-a ${quote(offerFor(completes))}`];
  return [...words, ...takes, ...offers, `-d ${quote(summary)}`].join(' ');
}

const instances = '(tunl ps --names 2>/dev/null)';
const hosts = "(__fish_print_hostnames | string replace -r '$' ':')";

function offerFor(completes: Completes): string {
  switch (completes) {
    case 'file':
      return '(__fish_complete_path)';
    case 'proxy':
      return '(__tunl_proxies)';
    case 'host':
      return hosts;
    case 'spec':
      return '(__tunl_specs)';
    case 'instance':
      return instances;
    case 'instance or host':
      return `${instances} ${hosts}`;
    default:
      return completes.join(' ');
  }
}

function quote(text: string): string {
  return `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
}
