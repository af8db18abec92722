#!/bin/sh
# Make sure of what the tests need beside Python packages: the programs of PostgreSQL 15, so that
# every statement is tried on the oldest version as well as on the newest, what the commands
# of the first page use, a pooler for the doctor to find, and a browser.
#
# As root on Debian they are installed, PostgreSQL without a database cluster of its own.
# Elsewhere a message says what is missing, and the tests that need it are skipped.
set -eu
postgres=/usr/lib/postgresql/15/bin/postgres

missing() {
    [ -x "$postgres" ] || echo postgresql-15
    for program in chromium curl openssl pgbouncer; do
        command -v "$program" >/dev/null || echo "$program"
    done
}

install() {
    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    fi
    quiet='-qq -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold'
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # several options on purpose
    apt-get $quiet update >/dev/null &&
        apt-get $quiet install -y --no-install-recommends "$@" >/dev/null
}

wanted=$(missing)
[ -n "$wanted" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    # shellcheck disable=SC2086 # several packages on purpose
    echo "Installing" $wanted "…" >&2
    # shellcheck disable=SC2086 # several packages on purpose
    install $wanted || echo "apt-get failed." >&2
fi
for name in $(missing); do
    echo "There is no $name: tests that need it are skipped." >&2
done
