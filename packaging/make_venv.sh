#!/bin/sh
# Makes a virtual environment: make_venv.sh PYTHON FOLDER. Debian's Python comes without the module for it, which is
# then installed, by root.
set -u
python=$1 folder=$2

make_it() { "$python" -m venv --clear "$folder" && "$folder/bin/python" -m pip --version >/dev/null; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
make_it >"$log" 2>&1 && exit 0

version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing $version-venv"
    export DEBIAN_FRONTEND=noninteractive
    {
        apt-get install -y -q --no-install-recommends "$version-venv" ||
            { apt-get update -q && apt-get install -y -q --no-install-recommends "$version-venv"; }
    } >>"$log" 2>&1
    make_it >>"$log" 2>&1 && exit 0
fi
tail -n 15 "$log" >&2
echo "make: $python can't make a virtual environment (Debian: apt-get install $version-venv)" >&2
rm -rf "$folder"
exit 1
