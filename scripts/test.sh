#!/bin/sh
# Runs tap on the given files or folders (default: .taprc's). What failed runs once more, one file at a time: a busy
# machine may have been the cause. Both runs are shown, and the second one counts.
# tap is built once an installation without the plugins that .taprc takes out.
built=node_modules/.tap-built
[ -f "$built" ] || { tap build >/dev/null && touch "$built"; } || exit 1
failed=.tap/failed
rm -f "$failed"
tap --save="$failed" "$@" && exit 0
[ -s "$failed" ] || exit 1
printf '\n# failed, run again one file at a time:\n'
cat "$failed"
echo
# Named, as what lies outside .taprc's folders would not be found; the names have no spaces.
# shellcheck disable=SC2046
exec tap --jobs=1 $(cat "$failed")
