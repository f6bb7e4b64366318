#!/bin/sh
# Installs what tests need beside Python packages: install.sh PYTHON (that of the virtual environment).
# Exit codes: 0 all there; 3 something is left out (which is said) and its tests are skipped; 1 the same where nothing may
# be left out (CI is set).
set -u
cd "$(dirname "$0")/.." || exit 1
python=$1
left_out=""

leave_out() {
    left_out="$left_out
  $1"
}

# The laboratory: a real Active Directory on loopback.
sh tests/lab/install.sh || leave_out "the Active Directory lab (see above): tests marked lab are skipped"

# Networks, proxies; a browser.
wanted=""
for package in $(sed 's/#.*//' tests/network/packages.txt tests/browser/packages.txt); do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=absent
    [ "$status" = installed ] || wanted="$wanted $package"
done

# Kerberos for Python is compiled, against the headers of the Python at hand; its own, if it isn't the system's.
version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
"$python" -c 'import pathlib, sysconfig; raise SystemExit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())' ||
    wanted="$wanted $version-dev"

if [ -n "$wanted" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        # Packages must not start daemons: the tests start their own, on addresses of their own.
        policy=/usr/sbin/policy-rc.d
        if [ ! -e "$policy" ]; then
            printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
            trap 'rm -f "$policy"' EXIT
            trap 'exit 1' HUP INT TERM
        fi
        log=$(mktemp)
        export DEBIAN_FRONTEND=noninteractive
        # shellcheck disable=SC2086 # a list of words
        apt-get install -y -q --no-install-recommends $wanted >"$log" 2>&1 ||
            { apt-get update -q && apt-get install -y -q --no-install-recommends $wanted; } >>"$log" 2>&1 ||
            { tail -n 20 "$log" >&2; leave_out "apt-get could not install:$wanted"; }
        rm -f "$log"
    else
        leave_out "needs root and apt-get:$wanted"
    fi
fi

"$python" -c 'import gssapi, krb5' 2>/dev/null || {
    log=$(mktemp)
    "$python" -m pip install --quiet --editable '.[kerberos]' >"$log" 2>&1 || {
        grep -i -E 'error|not found' "$log" | tail -n 5 >&2
        leave_out "Kerberos for Python (gssapi, krb5) could not be compiled: needs gcc, libkrb5-dev and $version-dev"
    }
    rm -f "$log"
}

[ -z "$left_out" ] && exit 0
printf 'NOT INSTALLED:%s\n' "$left_out" >&2
[ -z "${CI:-}" ] || exit 1
echo "Going on without." >&2
exit 3
