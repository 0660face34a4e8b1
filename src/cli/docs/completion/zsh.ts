import type { Completes, OptionSpec } from '../../parse/option.ts';
import { quoteForShell } from '../../../syntax/text.ts';
import { type CommandWords, spell, type CompletionWords } from './words.ts';

/** Writes the script for zsh: a function for a folder of `$fpath`, which can also be sourced. */
export function formatZsh({ commands, schemes, fronts }: CompletionWords): string {
  const described = commands.map(({ name, summary }) => `    ${quoteForShell(`${name}:${summary}`)}`);
  return `#compdef tunl
# zsh completion for tunl, made by: tunl completion zsh

# The hosts of ssh's known_hosts, and those of its configuration.
_tunl_hosts() {
  local ret=1
  _hosts "$@" && ret=0
  _ssh_hosts "$@" && ret=0
  return ret
}

# The names that a tunl command lists.
_tunl_names() {
  local -a names=(\${(f)"$(tunl $@ 2>/dev/null)"})
  compadd -- $names
}

_tunl_instances() {
  _tunl_names ps --names
}

_tunl_awaited() {
  _tunl_instances || _tunl_hosts -S :
}

_tunl_proxies() {
  compset -P '*[|]'
  if [[ $PREFIX == @* ]]; then
    _tunl_names config --names proxies
    return
  fi
  if compset -P '*://'; then
    compset -P '*@'
    _tunl_hosts -S ''
    return
  fi
  local -a schemes=(
${schemes.map(({ scheme, summary }) => `    ${quoteForShell(`${escapeColons(scheme)}:${summary}`)}`).join('\n')}
  )
  _describe -t proxies 'proxy URL' schemes -S ''
}

_tunl_specs() {
  if [[ $PREFIX == unix:* ]]; then
    compset -P unix: && _files
  elif [[ $PREFIX == @* ]]; then
    _tunl_names config --names forwards
  elif [[ $PREFIX == (${fronts.map((front) => `${front}*`).join('|')}) ]]; then
    return 1
  elif compset -P '*:'; then
    _tunl_hosts -S :
  else
    compadd -S '' -- ${fronts.join(' ')} @
  fi
}

# Completes the command line after --.
_tunl_command() {
  local -i dashes=\${words[(i)--]}
  (( dashes < CURRENT )) || return 1
  shift $dashes words
  (( CURRENT -= dashes ))
  _normal
}

_tunl() {
  local curcontext=$curcontext state line
  # Not called commands: zsh uses that name for the programs of $PATH.
  local -a tunl_commands=(
${described.join('\n')}
  )
  _arguments -C '(- *)'{-h,--help}'[print help]' '(- *)'{-V,--version}'[print the version]' \\
    '1: :->command' '*:: :->words'
  case $state in
    command) _describe -t commands 'command' tunl_commands ;;
    words)
      case $line[1] in
${commands.map(formatCommand).join('\n')}
      esac
      ;;
  esac
}

if [ "$funcstack[1]" = _tunl ]; then
  _tunl "$@"
else
  compdef _tunl tunl
fi
`;
}

function formatCommand({ name, options, completes, takesCommand }: CommandWords): string {
  const specs = [...options.flatMap(formatSpec), ...(completes === undefined ? [] : [formatOperand(completes)])];
  return `      ${name})
${takesCommand ? '        _tunl_command && return\n' : ''}        _arguments -s ${specs.map((spec) => `\\\n          ${spec}`).join(' ')}
        ;;`;
}

/** Writes the spellings of one option as specs of `_arguments`. */
function formatSpec(option: OptionSpec): string[] {
  const { value, repeat, summary } = option;
  const words = spell(option);
  const front = repeat === undefined ? (words.length > 1 ? `(${words.join(' ')})` : '') : '*';
  const text = `[${summary.replaceAll(/[[\]\\]/g, String.raw`\$&`)}]${value === undefined ? '' : `:${escapeColons(value)}:${actionOf(option.completes)}`}`;
  const suffix = (word: string) => (value === undefined ? '' : word.startsWith('--') ? '=' : '+');
  return words.map((word) => quoteForShell(`${front}${word}${suffix(word)}${text}`));
}

function formatOperand(completes: Completes): string {
  const what = completes === 'host' ? 'HOST:PORT' : completes === 'spec' ? 'SPEC' : ' ';
  return quoteForShell(`*:${escapeColons(what)}:${actionOf(completes)}`);
}

function actionOf(completes: Completes | undefined): string {
  switch (completes) {
    case undefined:
      return ' ';
    case 'file':
      return '_files';
    case 'proxy':
      return '_tunl_proxies';
    case 'host':
      return '_tunl_hosts -S \\:';
    case 'spec':
      return '_tunl_specs';
    case 'instance':
      return '_tunl_instances';
    case 'instance or host':
      return '_tunl_awaited';
    default:
      return `(${completes.join(' ')})`;
  }
}

function escapeColons(text: string): string {
  return text.replaceAll(':', String.raw`\:`);
}
