import type { OptionSpec } from '../command.ts';
import { quoteForShell, spell, type Words } from './words.ts';

/** The script for zsh: a function for a folder of `$fpath`, which also works when it is sourced. */
export function formatZsh({ commands, schemes }: Words): string {
  const described = commands.map(({ name, summary }) => `    ${quoteForShell(`${name}:${summary}`)}`);
  const cases = commands.map(({ name, options, completes, takesCommand }) => {
    const operands =
      completes === 'host' ? ["'*:host:_hosts'"] : Array.isArray(completes) ? [`'*: :(${completes.join(' ')})'`] : [];
    const specs = [...options.flatMap(formatSpec), ...operands];
    const command = takesCommand ? `        _tunl_command && return\n` : '';
    return `      ${name})\n${command}        _arguments -s ${specs.map((spec) => `\\\n          ${spec}`).join(' ')}\n        ;;`;
  });
  return `#compdef tunl
# zsh completion for tunl, made by: tunl completion zsh

_tunl_proxies() {
  local -a schemes=(
${schemes.map(({ scheme, summary }) => `    ${quoteForShell(`${scheme.replaceAll(':', String.raw`\:`)}:${summary}`)}`).join('\n')}
  )
  _describe -t proxies 'proxy URL' schemes -S ''
}

# Completes what follows --, a command line of its own.
_tunl_command() {
  local -i at=\${words[(i)--]}
  (( at < CURRENT )) || return 1
  shift $at words
  (( CURRENT -= at ))
  _normal
}

_tunl() {
  local curcontext=$curcontext state line
  local -a commands=(
${described.join('\n')}
  )
  _arguments -C '(- *)'{-h,--help}'[print help]' '(- *)'{-V,--version}'[print the version]' \\
    '1: :->command' '*:: :->words'
  case $state in
    command) _describe -t commands 'command' commands ;;
    words)
      case $line[1] in
${cases.join('\n')}
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

/** The spellings of one option as specs of `_arguments`. */
function formatSpec(option: OptionSpec): string[] {
  const { value, repeat, summary } = option;
  const words = spell(option);
  const front = repeat === undefined ? (words.length > 1 ? `(${words.join(' ')})` : '') : '*';
  const text = `[${summary.replaceAll(/[[\]\\]/g, String.raw`\$&`)}]${value === undefined ? '' : `:${escapeColons(value)}:${actionOf(option)}`}`;
  const suffix = (word: string) => (value === undefined ? '' : word.startsWith('--') ? '=' : '+');
  return words.map((word) => quoteForShell(`${front}${word}${suffix(word)}${text}`));
}

function actionOf({ completes }: OptionSpec): string {
  if (completes === 'proxy') return '_tunl_proxies';
  return completes === 'file' ? '_files' : ' ';
}

function escapeColons(text: string): string {
  return text.replaceAll(':', String.raw`\:`);
}
