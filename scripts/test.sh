#!/bin/sh
# Runs all tests in three parts beside each other: most of the time of two of them is waiting, so
# that two cores have room for all. Each has its own servers, ports and directories.
#
# The first part is shown as it goes, then the others. At the end: the slowest tests, what failed
# in the part that was shown first once more, and how all ended.
set -u
cd "$(dirname "$0")/.."
python=.venv/bin/python
# What takes about half of the waiting; and what only computes, which gives way to the others.
here="tests/up tests/proof tests/panel tests/test_first_page.py"
pure="tests/providers tests/domain"
said=$(mktemp -d)
others=
trap 'rm -rf "$said"' EXIT
trap 'kill $others 2>/dev/null; exit 130' INT TERM
ignored=""
for one in $here $pure; do ignored="$ignored --ignore=$one"; done
slowest="--durations=10 --durations-min=1"
# shellcheck disable=SC2086 # lists of words
$python -m pytest $slowest $ignored >"$said/other" 2>&1 &
other=$!
# shellcheck disable=SC2086 # a list of words
nice $python -m pytest $slowest $pure >"$said/pure" 2>&1 &
others="$other $!"
# What runs in the background of a script ignores Ctrl-C, and so would the programs it starts.
# shellcheck disable=SC2086
{ $python -m pytest $slowest $here 2>&1; echo $? >"$said/code"; } | tee "$said/first"
failed=$(cat "$said/code")
for part in other pure; do
    pid=${others%% *}
    others=${others#* }
    echo "Another part ($part), from its beginning:"
    tail -n +1 -f --pid="$pid" "$said/$part"
    wait "$pid" || failed=1
done
if [ "$(cat "$said/code")" -ne 0 ]; then
    echo "What failed in the first part:"
    sed -n '/^=* \(ERRORS\|FAILURES\) =*$/,/^=* slowest/p' "$said/first" | sed '$d'
    sed -n '/^=* short test summary/,$p' "$said/first"
fi
echo "The slowest of all parts:"
sed -n 's/^\([0-9.]*s \(setup\|call\|teardown\) \)/\1/p' "$said/first" "$said/other" "$said/pure" |
    sort -rn | head -10
tail -qn 1 "$said/first" "$said/other" "$said/pure"
[ "$failed" -eq 0 ]
