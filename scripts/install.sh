#!/bin/sh
# Install Ringback into .venv from the lock files: `scripts/install.sh run` or `dev`.
#
# Every package is checked against its hash. The package itself is installed in place, so a
# checkout that changes needs no new installation. Not for production images: those install the
# wheel.
set -eu
cd "$(dirname "$0")/.."
what=${1:-run}

recent() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null && recent "$name"; then
            echo "$name"
            return
        fi
    done
    echo "Ringback needs Python 3.11 or newer. Install it, or name it: make run PYTHON=…" >&2
    exit 1
}

case $what in
    run) locks='-r requirements.lock -r requirements-build.lock' ;;
    dev) locks='-r requirements-dev.lock' ;;
    *) echo "usage: scripts/install.sh run|dev" >&2; exit 2 ;;
esac

if ! recent .venv/bin/python; then
    python=$(find_python)
    # A directory of another Python, or of a checkout that was moved, cannot be mended in place.
    rm -rf .venv
    if ! "$python" -m venv .venv; then
        rm -rf .venv
        echo "$python cannot make a virtual environment." >&2
        echo "On Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 1
    fi
fi
pip() {
    .venv/bin/python -m pip --disable-pip-version-check --quiet "$@"
}
echo "Installing into .venv …" >&2
# shellcheck disable=SC2086 # several arguments on purpose
pip install --require-hashes $locks
pip install --no-deps --no-build-isolation --editable .
touch ".venv/installed-$what"
