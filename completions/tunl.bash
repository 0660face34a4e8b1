# bash completion for tunl, made by: tunl completion bash

# Offers the words that continue the current one. bash splits words at : and =, and expects the part after the last split.
_tunl_offer() {
  local before='' cut word
  for cut in : =; do
    if [[ $cur == *"$cut"* && $COMP_WORDBREAKS == *"$cut"* ]]; then
      word=${cur%"${cur##*"$cut"}"}
      (( ${#word} > ${#before} )) && before=$word
    fi
  done
  COMPREPLY=()
  for word in "${@/#/"$lead"}"; do
    [[ $word == "$cur"* ]] && COMPREPLY+=("${word#"$before"}")
  done
}

# Offers the hosts of ssh, with the texts before and after the host.
_tunl_hosts() {
  declare -F _known_hosts_real >/dev/null || return
  local before=$1 after=$2
  _known_hosts_real -a -- "${value#"$before"}"
  _tunl_offer "${COMPREPLY[@]/#/"$before"}"
  COMPREPLY=("${COMPREPLY[@]/%/$after}")
  compopt -o nospace
}

_tunl_proxies() {
  local before=''
  [[ $value == *'|'* ]] && before=${value%"${value##*|}"}
  if [[ ${value#"$before"} == @* ]]; then
    local names=($(tunl config --names proxies 2>/dev/null))
    _tunl_offer "${names[@]/#/"$before"}"
  elif [[ ${value#"$before"} == *://* ]]; then
    before+=${value#"$before"}
    before=${before%"${before##*[/@]}"}
    _tunl_hosts "$before" ''
  else
    local schemes=(auto+https:// http:// h2:// h2c:// hbone:// https:// poll+http:// poll+https:// post+http:// post+https:// post+h2c:// post+h2:// socks4:// socks4a:// socks5:// socks5h:// ws:// wss:// pac+http:// pac+https:// pac+file:// system @ unix:)
    _tunl_offer "${schemes[@]/#/"$before"}"
    compopt -o nospace
  fi
}

_tunl_specs() {
  case $value in
  @*) _tunl_offer $(tunl config --names forwards 2>/dev/null) ;;
  unix:*:*) ;;
  unix:*) compopt -o default ;;
  socks:* | http:* | any:*) ;;
  *:*) _tunl_hosts "${value%"${value##*:}"}" : ;;
  *)
    _tunl_offer socks: http: any: @
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
  local line=${COMP_LINE:0:COMP_POINT} cur lead='' value previous command='' word i
  local -a words
  read -ra words <<<"$line"
  cur=${line##*[[:space:]]}
  [[ -n $cur && ${#words[@]} -gt 0 ]] && unset "words[${#words[@]}-1]"
  previous=${words[${#words[@]}-1]}
  COMPREPLY=()
  for word in "${words[@]:1}"; do
    case $word in
    connect | forward | serve | chain | check | pac | config | ps | stop | logs | wait | passwd | completion | help) command=$word; break ;;
    esac
  done
  case $command in
  forward)
    for ((i = 1; i < COMP_CWORD; i++)); do
      [[ ${COMP_WORDS[i]} == -- ]] || continue
      _tunl_command $((i + 1))
      return
    done ;;
  esac
  value=$cur
  if [[ $cur == --*=* ]]; then
    previous=${cur%%=*}
    lead=$previous=
    value=${cur#*=}
  fi
  case $command:$previous in
  connect:-x | connect:--proxy) _tunl_proxies; return ;;
  connect:--retry | connect:--proxy-header | connect:--password-command | connect:--servername | connect:--pin | connect:--dns-timeout | connect:--connect-timeout | connect:--tls-timeout | connect:--handshake-timeout | connect:--idle-timeout | connect:--linger | connect:--half-close-wait) return ;;
  connect:--proxy-auth) _tunl_offer 'auto' 'bearer' 'negotiate' 'digest' 'ntlm' 'basic'; return ;;
  connect:--half-close) _tunl_offer 'now' 'wait' 'never'; return ;;
  connect:--password-file | connect:--cacert | connect:--cert | connect:--key | connect:--key-password-file) compopt -o default; return ;;
  connect:--alpn) _tunl_offer 'h2' 'http/1.1'; return ;;
  connect:--resolver) _tunl_offer 'system' 'dns'; return ;;
  forward:--export) _tunl_offer 'envoy'; return ;;
  forward:--name | forward:--ready-fd | forward:--on-up | forward:--on-down | forward:--grace | forward:--user | forward:--allow | forward:--deny | forward:--retry | forward:--proxy-header | forward:--password-command | forward:--servername | forward:--pin | forward:--dns-timeout | forward:--connect-timeout | forward:--tls-timeout | forward:--handshake-timeout | forward:--idle-timeout | forward:--linger | forward:--half-close-wait) return ;;
  forward:--port-file | forward:--auth-file | forward:--user-password-file | forward:--password-file | forward:--cacert | forward:--cert | forward:--key | forward:--key-password-file) compopt -o default; return ;;
  forward:--watch-files) _tunl_offer 'yes' 'no'; return ;;
  forward:-x | forward:--proxy) _tunl_proxies; return ;;
  forward:--proxy-auth) _tunl_offer 'auto' 'bearer' 'negotiate' 'digest' 'ntlm' 'basic'; return ;;
  forward:--half-close) _tunl_offer 'now' 'wait' 'never'; return ;;
  forward:--alpn) _tunl_offer 'h2' 'http/1.1'; return ;;
  forward:--resolver) _tunl_offer 'system' 'dns'; return ;;
  serve:--export) _tunl_offer 'envoy'; return ;;
  serve:--name | serve:--ready-fd | serve:--on-up | serve:--on-down | serve:--grace | serve:--resume | serve:--admin | serve:--path-prefix | serve:--spiffe | serve:--user | serve:--allow | serve:--deny | serve:--retry | serve:--proxy-header | serve:--password-command | serve:--servername | serve:--pin | serve:--max-tunnels | serve:--max-tunnels-per-client | serve:--max-tunnels-per-session | serve:--dns-timeout | serve:--connect-timeout | serve:--tls-timeout | serve:--handshake-timeout | serve:--idle-timeout | serve:--linger | serve:--half-close-wait) return ;;
  serve:--port-file | serve:--cert | serve:--key | serve:--key-password-file | serve:--client-ca | serve:--auth-file | serve:--user-password-file | serve:--password-file | serve:--cacert) compopt -o default; return ;;
  serve:--watch-files) _tunl_offer 'yes' 'no'; return ;;
  serve:--proxy-protocol) _tunl_offer 'v1' 'v2'; return ;;
  serve:-x | serve:--proxy) _tunl_proxies; return ;;
  serve:--proxy-auth) _tunl_offer 'auto' 'bearer' 'negotiate' 'digest' 'ntlm' 'basic'; return ;;
  serve:--half-close) _tunl_offer 'now' 'wait' 'never'; return ;;
  serve:--alpn) _tunl_offer 'h2' 'http/1.1'; return ;;
  serve:--resolver) _tunl_offer 'system' 'dns'; return ;;
  chain:-c | chain:--config | chain:--port-file | chain:--password-file | chain:--cacert | chain:--cert | chain:--key | chain:--key-password-file) compopt -o default; return ;;
  chain:--export) _tunl_offer 'envoy'; return ;;
  chain:--draw) _tunl_offer 'text' 'mermaid' 'svg'; return ;;
  chain:--name | chain:--ready-fd | chain:--on-up | chain:--on-down | chain:--grace | chain:--admin | chain:--retry | chain:--proxy-header | chain:--password-command | chain:--servername | chain:--pin | chain:--dns-timeout | chain:--connect-timeout | chain:--tls-timeout | chain:--handshake-timeout | chain:--idle-timeout | chain:--linger | chain:--half-close-wait) return ;;
  chain:--watch-files) _tunl_offer 'yes' 'no'; return ;;
  chain:--proxy-auth) _tunl_offer 'auto' 'bearer' 'negotiate' 'digest' 'ntlm' 'basic'; return ;;
  chain:--half-close) _tunl_offer 'now' 'wait' 'never'; return ;;
  chain:--alpn) _tunl_offer 'h2' 'http/1.1'; return ;;
  chain:--resolver) _tunl_offer 'system' 'dns'; return ;;
  check:--idle | check:--retry | check:--proxy-header | check:--password-command | check:--servername | check:--pin | check:--dns-timeout | check:--connect-timeout | check:--tls-timeout | check:--handshake-timeout | check:--idle-timeout | check:--linger | check:--half-close-wait) return ;;
  check:--probe) _tunl_hosts '' :; return ;;
  check:-x | check:--proxy) _tunl_proxies; return ;;
  check:--proxy-auth) _tunl_offer 'auto' 'bearer' 'negotiate' 'digest' 'ntlm' 'basic'; return ;;
  check:--half-close) _tunl_offer 'now' 'wait' 'never'; return ;;
  check:--password-file | check:--cacert | check:--cert | check:--key | check:--key-password-file) compopt -o default; return ;;
  check:--alpn) _tunl_offer 'h2' 'http/1.1'; return ;;
  check:--resolver) _tunl_offer 'system' 'dns'; return ;;
  pac:--cacert) compopt -o default; return ;;
  pac:--servername | pac:--pin | pac:--dns-timeout | pac:--connect-timeout | pac:--tls-timeout | pac:--handshake-timeout | pac:--idle-timeout | pac:--linger | pac:--half-close-wait) return ;;
  pac:--resolver) _tunl_offer 'system' 'dns'; return ;;
  config:--explain) _tunl_hosts '' :; return ;;
  config:--names) _tunl_offer 'proxies' 'forwards'; return ;;
  wait:--timeout) return ;;
  esac
  if [[ $cur == -* ]]; then
    case $command in
    connect) _tunl_offer --check --print --tls-target --no-cache -x --proxy --retry --direct --proxy-auth --proxy-header --half-close --password-file --password-command --no-config --cacert --cert --key --key-password-file --servername --pin --insecure --no-system-ca --alpn -4 --ipv4 -6 --ipv6 --resolver --dns-timeout --connect-timeout --tls-timeout --handshake-timeout --idle-timeout --linger --half-close-wait -q --quiet -v --verbose --json -h --help --help-all ;;
    forward) _tunl_offer --check --print --export --detach --name --port-file --ready-fd --on-up --on-down --grace --watch --watch-files --no-cache --auth-file --user --user-password-file --open --allow --deny -x --proxy --retry --direct --proxy-auth --proxy-header --half-close --password-file --password-command --no-config --cacert --cert --key --key-password-file --servername --pin --insecure --no-system-ca --alpn -4 --ipv4 -6 --ipv6 --resolver --dns-timeout --connect-timeout --tls-timeout --handshake-timeout --idle-timeout --linger --half-close-wait -q --quiet -v --verbose --json -h --help --help-all ;;
    serve) _tunl_offer --print --export --detach --name --port-file --ready-fd --on-up --on-down --grace --watch --watch-files --proxy-protocol --resume --admin --admin-open --hbone --hbone-local --poll --post --ws --path-prefix --no-plain --tls --cert --key --key-password-file --client-ca --spiffe --auth-file --user --user-password-file --open --allow --deny -x --proxy --retry --direct --proxy-auth --proxy-header --half-close --password-file --password-command --cacert --servername --pin --insecure --no-system-ca --alpn -4 --ipv4 -6 --ipv6 --resolver --max-tunnels --max-tunnels-per-client --max-tunnels-per-session --dns-timeout --connect-timeout --tls-timeout --handshake-timeout --idle-timeout --linger --half-close-wait -q --quiet -v --verbose --json -h --help --help-all ;;
    chain) _tunl_offer -c --config --allow-unknown-fields --check --print --export --draw --detach --name --port-file --ready-fd --on-up --on-down --grace --watch --watch-files --admin --admin-open --retry --proxy-auth --proxy-header --half-close --password-file --password-command --cacert --cert --key --key-password-file --servername --pin --insecure --no-system-ca --alpn -4 --ipv4 -6 --ipv6 --resolver --dns-timeout --connect-timeout --tls-timeout --handshake-timeout --idle-timeout --linger --half-close-wait -q --quiet -v --verbose --json -h --help --help-all ;;
    check) _tunl_offer --deep --idle --probe --no-cache -x --proxy --retry --direct --proxy-auth --proxy-header --half-close --password-file --password-command --no-config --cacert --cert --key --key-password-file --servername --pin --insecure --no-system-ca --alpn -4 --ipv4 -6 --ipv6 --resolver --dns-timeout --connect-timeout --tls-timeout --handshake-timeout --idle-timeout --linger --half-close-wait -q --quiet -v --verbose --json -h --help --help-all ;;
    pac) _tunl_offer --cacert --servername --pin --insecure --no-system-ca -4 --ipv4 -6 --ipv6 --resolver --dns-timeout --connect-timeout --tls-timeout --handshake-timeout --idle-timeout --linger --half-close-wait -q --quiet -v --verbose --json -h --help --help-all ;;
    config) _tunl_offer --check --explain --names -q --quiet -v --verbose --json -h --help --help-all ;;
    ps) _tunl_offer --names -q --quiet -v --verbose --json -h --help --help-all ;;
    stop) _tunl_offer --all -q --quiet -v --verbose --json -h --help --help-all ;;
    logs) _tunl_offer -f --follow -q --quiet -v --verbose --json -h --help --help-all ;;
    wait) _tunl_offer --timeout -q --quiet -v --verbose --json -h --help --help-all ;;
    passwd) _tunl_offer -q --quiet -v --verbose --json -h --help --help-all ;;
    completion) _tunl_offer -q --quiet -v --verbose --json -h --help --help-all ;;
    help) _tunl_offer --man -q --quiet -v --verbose --json -h --help --help-all ;;
    *) _tunl_offer -h --help -V --version ;;
    esac
    return
  fi
  case $command in
  '') _tunl_offer connect forward serve chain check pac config ps stop logs wait passwd completion help ;;
  connect) _tunl_hosts '' :; ;;
  forward) _tunl_specs; ;;
  check) _tunl_hosts '' :; ;;
  pac) compopt -o default; ;;
  stop) _tunl_instances; ;;
  logs) _tunl_instances; ;;
  wait) _tunl_instances; ((${#COMPREPLY[@]})) || _tunl_hosts '' :; ;;
  passwd) compopt -o default; ;;
  completion) _tunl_offer 'bash' 'zsh' 'fish'; ;;
  help) _tunl_offer 'connect' 'forward' 'serve' 'chain' 'check' 'pac' 'config' 'ps' 'stop' 'logs' 'wait' 'passwd' 'completion' 'help' 'exit-codes' 'licenses'; ;;
  esac
}

complete -F _tunl tunl
