#!/bin/sh
# Make sure of the programs that the benchmarks use: wrk sends, nginx receives.
#
# As root on Debian they are installed; nginx is not left running, each run starts its own.
# Elsewhere a message says what is missing: without nginx a receiver of our own takes its place,
# without wrk there are no closed-loop cases.
set -eu
PATH=$PATH:/usr/sbin:/usr/local/sbin

missing() {
    for program in nginx wrk; do
        command -v "$program" >/dev/null || echo "$program"
    done
}

install() {
    quiet='-qq -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold'
    export DEBIAN_FRONTEND=noninteractive
    # Installing nginx would start it on port 80: whoever asks for that is told no.
    refusal=/usr/sbin/policy-rc.d
    if [ ! -e "$refusal" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$refusal"
        chmod +x "$refusal"
        trap 'rm -f "$refusal"' EXIT
    fi
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
    echo "There is no $name." >&2
done
