#!/bin/sh
# Installs from Debian the real programs that the interop tests run, and starts none of them.
# Needs root, or sudo without a password. Does nothing when everything is there.
set -eu

# A program that a new test needs is added here and nowhere else.
packages='
  openssh-server openssh-client squid tinyproxy curl ncat netcat-openbsd socat proxytunnel corkscrew connect-proxy
  postgresql redis-server redis-tools git bsdutils
'

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

command -v dpkg-query >/dev/null || fail 'needs Debian or a system derived from it (no dpkg-query here)'

missing=$(list_missing)
[ -n "$missing" ] || exit 0

[ "$(id -u)" -eq 0 ] || sudo -n true || fail "needs root to install:" $missing
forbid_services
install_packages update || fail 'apt-get update failed'
# shellcheck disable=SC2086
install_packages install --no-install-recommends $missing || fail "apt-get could not install:" $missing

missing=$(list_missing)
[ -z "$missing" ] || fail "still missing after the installation:" $missing
