#!/bin/sh
# Installs what the test laboratory needs (Debian, Ubuntu): a real Active Directory on loopback, and what Kerberos for
# Python is compiled with. Quick when everything is there. Starts no service.
# Exit codes: 0 all there; 3 something is missing and could not be installed (which, and why, is said on stderr).
set -u

# slapd: an LDAP server that is no domain controller; only ever started by a test, as its own child.
packages="samba samba-ad-dc samba-ad-provision samba-dsdb-modules samba-vfs-modules samba-common-bin winbind
ldap-utils ldb-tools python3-samba krb5-user dnsutils attr gcc libc6-dev libkrb5-dev slapd iproute2"

missing() {
    for package in $packages; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=absent
        [ "$status" = installed ] || printf '%s ' "$package"
    done
}

fail() {
    printf 'lab: %s\n' "$1" >&2
    exit 3
}

command -v dpkg-query >/dev/null 2>&1 || fail "not a Debian system; install these yourself: $(echo $packages)"
wanted=$(missing)
[ -z "$wanted" ] && exit 0
[ "$(id -u)" = 0 ] || fail "needs root to install: ${wanted}(apt-get install --no-install-recommends ...)"

# Packages must not start daemons: the tests start their own, on addresses of their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
    trap 'exit 3' HUP INT TERM
fi

export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
# Lists may be fresh: try without an update first, which is much quicker where it works.
if ! apt-get install -y -q --no-install-recommends $wanted >"$log" 2>&1; then
    apt-get update -q >>"$log" 2>&1 || printf 'lab: apt-get update failed, trying all the same\n' >&2
    apt-get install -y -q --no-install-recommends $wanted >>"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        rm -f "$log"
        fail "apt-get could not install: $(missing)"
    }
fi
rm -f "$log"
wanted=$(missing)
[ -z "$wanted" ] || fail "still missing after apt-get: $wanted"
