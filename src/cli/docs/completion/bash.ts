import type { Completes } from '../../parse/option.ts';
import { quoteForShell } from '../../../syntax/text.ts';
import { spell, type CommandWords, type CompletionWords } from './words.ts';

/** Writes the script for bash 4 and later. It completes hosts of ssh if the package bash-completion is installed. */
export function formatBash({ commands, schemes, fronts }: CompletionWords): string {
  const names = commands.map(({ name }) => name);
  const takers = commands.filter(({ takesCommand }) => takesCommand).map(({ name }) => name);
  return `# bash completion for tunl, made by: tunl completion bash

# Offers the words that continue the current one. bash splits words at : and =, and expects the part after the last split.
_tunl_offer() {
  local before='' cut word
  for cut in : =; do
    if [[ $cur == *"$cut"* && $COMP_WORDBREAKS == *"$cut"* ]]; then
      word=\${cur%"\${cur##*"$cut"}"}
      (( \${#word} > \${#before} )) && before=$word
    fi
  done
  COMPREPLY=()
  for word in "\${@/#/"$lead"}"; do
    [[ $word == "$cur"* ]] && COMPREPLY+=("\${word#"$before"}")
  done
}

# Offers the hosts of ssh, with the texts before and after the host.
_tunl_hosts() {
  declare -F _known_hosts_real >/dev/null || return
  local before=$1 after=$2
  _known_hosts_real -a -- "\${value#"$before"}"
  _tunl_offer "\${COMPREPLY[@]/#/"$before"}"
  COMPREPLY=("\${COMPREPLY[@]/%/$after}")
  compopt -o nospace
}

_tunl_proxies() {
  local before=''
  [[ $value == *'|'* ]] && before=\${value%"\${value##*|}"}
  if [[ \${value#"$before"} == @* ]]; then
    local names=($(tunl config --names proxies 2>/dev/null))
    _tunl_offer "\${names[@]/#/"$before"}"
  elif [[ \${value#"$before"} == *://* ]]; then
    before+=\${value#"$before"}
    before=\${before%"\${before##*[/@]}"}
    _tunl_hosts "$before" ''
  else
    local schemes=(${schemes.map(({ scheme }) => scheme).join(' ')})
    _tunl_offer "\${schemes[@]/#/"$before"}"
    compopt -o nospace
  fi
}

_tunl_specs() {
  case $value in
  @*) _tunl_offer $(tunl config --names forwards 2>/dev/null) ;;
  unix:*:*) ;;
  unix:*) compopt -o default ;;
  ${fronts.map((front) => `${front}*`).join(' | ')}) ;;
  *:*) _tunl_hosts "\${value%"\${value##*:}"}" : ;;
  *)
    _tunl_offer ${fronts.join(' ')} @
    compopt -o nospace
    ;;
  esac
}

_tunl_instances() {
  _tunl_offer $(tunl ps --names 2>/dev/null)
}

# Completes another command line, which begins at this word.
_tunl_command() {
  if declare -F _command_offset >/dev/null; then
    _command_offset "$1"
  elif (( COMP_CWORD == $1 )); then
    COMPREPLY=($(compgen -c -- "$cur"))
  else
    compopt -o default
  fi
}

_tunl() {
  local line=\${COMP_LINE:0:COMP_POINT} cur lead='' value previous command='' word i
  local -a words
  read -ra words <<<"$line"
  cur=\${line##*[[:space:]]}
  [[ -n $cur && \${#words[@]} -gt 0 ]] && unset "words[\${#words[@]}-1]"
  previous=\${words[\${#words[@]}-1]}
  COMPREPLY=()
  for word in "\${words[@]:1}"; do
    case $word in
    ${names.join(' | ')}) command=$word; break ;;
    esac
  done
  case $command in
  ${takers.join(' | ')})
    for ((i = 1; i < COMP_CWORD; i++)); do
      [[ \${COMP_WORDS[i]} == -- ]] || continue
      _tunl_command $((i + 1))
      return
    done ;;
  esac
  value=$cur
  if [[ $cur == --*=* ]]; then
    previous=\${cur%%=*}
    lead=$previous=
    value=\${cur#*=}
  fi
  case $command:$previous in
${commands.flatMap(formatValues).join('\n')}
  esac
  if [[ $cur == -* ]]; then
    case $command in
${commands.map(({ name, options }) => `    ${name}) _tunl_offer ${options.flatMap(spell).join(' ')} ;;`).join('\n')}
    *) _tunl_offer -h --help -V --version ;;
    esac
    return
  fi
  case $command in
  '') _tunl_offer ${names.join(' ')} ;;
${commands.flatMap(formatOperands).join('\n')}
  esac
}

complete -F _tunl tunl
`;
}

/** Writes a line for each kind of value that options of the command have. */
function formatValues({ name, options }: CommandWords): string[] {
  const byOffer = new Map<string, string[]>();
  for (const option of options.filter(({ value }) => value !== undefined)) {
    const offer = offerFor(option.completes);
    byOffer.set(offer, [...(byOffer.get(offer) ?? []), ...spell(option).map((word) => `${name}:${word}`)]);
  }
  return [...byOffer].map(([offer, words]) => `  ${words.join(' | ')}) ${offer}return ;;`);
}

function formatOperands({ name, completes }: CommandWords): string[] {
  return completes === undefined ? [] : [`  ${name}) ${offerFor(completes)};;`];
}

/** Writes the shell commands that offer values, each followed by `; `. */
function offerFor(completes: Completes | undefined): string {
  switch (completes) {
    case undefined:
      return '';
    case 'file':
      return 'compopt -o default; ';
    case 'proxy':
      return '_tunl_proxies; ';
    case 'host':
      return "_tunl_hosts '' :; ";
    case 'spec':
      return '_tunl_specs; ';
    case 'instance':
      return '_tunl_instances; ';
    case 'instance or host':
      return "_tunl_instances; ((${#COMPREPLY[@]})) || _tunl_hosts '' :; ";
    default:
      return `_tunl_offer ${completes.map(quoteForShell).join(' ')}; `;
  }
}
