import type { OptionSpec } from '../command.ts';
import { quoteForShell, spell, type Words } from './words.ts';

/** The script for bash 4 and later; it needs no package of completions. */
export function formatBash({ commands, schemes }: Words): string {
  const names = commands.map(({ name }) => name).join(' ');
  const options = commands.map(
    (command) => `    ${command.name}) options=${quoteForShell(command.options.flatMap(spell).join(' '))} ;;`,
  );
  const all = commands.flatMap((command) => command.options);
  const valued = (completes: OptionSpec['completes']) => [
    ...new Set(all.filter((option) => option.value !== undefined && option.completes === completes).flatMap(spell)),
  ];
  const operands = commands.flatMap(({ name, completes }) => {
    if (completes === 'host') return [`    ${name}) _tunl_hosts ;;`];
    return Array.isArray(completes) ? [`    ${name}) _tunl_offer ${quoteForShell(completes.join(' '))} ;;`] : [];
  });
  const takers = commands.filter(({ takesCommand }) => takesCommand).map(({ name }) => name);
  return `# bash completion for tunl, made by: tunl completion bash

# Offers those of the words that begin like the current one. bash splits words at colons, so what is
# before the last colon is already on the line and must not be offered again.
_tunl_offer() {
  COMPREPLY=($(compgen -W "$1" -- "$cur"))
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
    local before=\${cur%"\${cur##*:}"} i
    for i in "\${!COMPREPLY[@]}"; do COMPREPLY[i]=\${COMPREPLY[i]#"$before"}; done
  fi
}

_tunl_hosts() {
  # bash-completion knows the hosts of ssh, where it is installed.
  if declare -F _known_hosts_real >/dev/null; then
    _known_hosts_real -- "$cur"
  fi
}

# Completes a command line of its own, which begins at that word of ours.
_tunl_command() {
  if declare -F _command_offset >/dev/null; then
    _command_offset "$1"
  elif ((COMP_CWORD == $1)); then
    COMPREPLY=($(compgen -c -- "$cur"))
  else
    compopt -o filenames
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
}

_tunl() {
  local line=\${COMP_LINE:0:COMP_POINT} cur previous words command='' options='' word
  read -ra words <<<"$line"
  cur=\${line##*[[:space:]]}
  [[ -n $cur && \${#words[@]} -gt 0 ]] && unset "words[\${#words[@]}-1]"
  previous=\${words[\${#words[@]}-1]}
  COMPREPLY=()
  for word in "\${words[@]:1}"; do
    case $word in
    ${names.replaceAll(' ', '|')}) command=$word; break ;;
    esac
  done
  case $command in
  ${takers.join('|')})
    local i
    for ((i = 1; i < COMP_CWORD; i++)); do
      if [[ \${COMP_WORDS[i]} == -- ]]; then
        _tunl_command $((i + 1))
        return
      fi
    done ;;
  esac
  case $previous in
  ${valued('proxy').join('|')})
    _tunl_offer ${quoteForShell(schemes.map(({ scheme }) => scheme).join(' '))}
    compopt -o nospace
    return ;;
  ${valued('file').join('|')})
    compopt -o filenames
    COMPREPLY=($(compgen -f -- "$cur"))
    return ;;
  ${valued(undefined).join('|')})
    return ;;
  esac
  case $command in
${options.join('\n')}
    *) _tunl_offer ${quoteForShell(`${names} --help --version`)}; return ;;
  esac
  if [[ $cur == -* ]]; then
    _tunl_offer "$options"
    return
  fi
  case $command in
${operands.join('\n')}
  esac
}

complete -F _tunl tunl
`;
}
