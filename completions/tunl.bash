# bash completion for tunl, made by: tunl completion bash

# Offers those of the words that begin like the current one. bash splits words at colons, so what is
# before the last colon is already on the line and must not be offered again.
_tunl_offer() {
  COMPREPLY=($(compgen -W "$1" -- "$cur"))
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
    local before=${cur%"${cur##*:}"} i
    for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=${COMPREPLY[i]#"$before"}; done
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
  local line=${COMP_LINE:0:COMP_POINT} cur previous words command='' options='' word
  read -ra words <<<"$line"
  cur=${line##*[[:space:]]}
  [[ -n $cur && ${#words[@]} -gt 0 ]] && unset "words[${#words[@]}-1]"
  previous=${words[${#words[@]}-1]}
  COMPREPLY=()
  for word in "${words[@]:1}"; do
    case $word in
    connect|forward|serve|completion|help) command=$word; break ;;
    esac
  done
  case $command in
  forward)
    local i
    for ((i = 1; i < COMP_CWORD; i++)); do
      if [[ ${COMP_WORDS[i]} == -- ]]; then
        _tunl_command $((i + 1))
        return
      fi
    done ;;
  esac
  case $previous in
  -x|--proxy)
    _tunl_offer 'http:// h2:// h2c:// hbone:// https:// post+http:// post+https:// post+h2c:// post+h2://'
    compopt -o nospace
    return ;;
  --password-file|--cacert|--cert|--key|--port-file|--client-ca|--auth-file|--user-password-file)
    compopt -o filenames
    COMPREPLY=($(compgen -f -- "$cur"))
    return ;;
  --retry|--proxy-header|--servername|--pin|--dns-timeout|--connect-timeout|--tls-timeout|--handshake-timeout|--idle-timeout|--linger|--ready-fd|--grace|--user|--allow|--deny)
    return ;;
  esac
  case $command in
    connect) options='--check --tls-target -x --proxy --retry --direct --proxy-header --password-file --cacert --cert --key --servername --pin --insecure -4 --ipv4 -6 --ipv6 --dns-timeout --connect-timeout --tls-timeout --handshake-timeout --idle-timeout --linger -q --quiet -v --verbose --json -h --help' ;;
    forward) options='--check --port-file --ready-fd --grace --watch -x --proxy --retry --direct --proxy-header --password-file --cacert --cert --key --servername --pin --insecure -4 --ipv4 -6 --ipv6 --dns-timeout --connect-timeout --tls-timeout --handshake-timeout --idle-timeout --linger -q --quiet -v --verbose --json -h --help' ;;
    serve) options='--port-file --ready-fd --grace --watch --proxy-protocol --hbone --hbone-local --post --tls --cert --key --client-ca --auth-file --user --user-password-file --open --allow --deny -x --proxy --retry --direct --proxy-header --password-file --cacert --servername --pin --insecure -4 --ipv4 -6 --ipv6 --dns-timeout --connect-timeout --tls-timeout --handshake-timeout --idle-timeout --linger -q --quiet -v --verbose --json -h --help' ;;
    completion) options='-q --quiet -v --verbose --json -h --help' ;;
    help) options='-q --quiet -v --verbose --json -h --help' ;;
    *) _tunl_offer 'connect forward serve completion help --help --version'; return ;;
  esac
  if [[ $cur == -* ]]; then
    _tunl_offer "$options"
    return
  fi
  case $command in
    connect) _tunl_hosts ;;
    completion) _tunl_offer 'bash zsh fish' ;;
    help) _tunl_offer 'connect forward serve completion help exit-codes' ;;
  esac
}

complete -F _tunl tunl
