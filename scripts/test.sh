#!/bin/sh
# Runs tap on the given files or folders (default: .taprc's). What failed runs once more, one file at a time: a busy
# machine may have been the cause. Both runs are shown, and the second one counts.
failed=.tap/failed
mkdir -p .tap
rm -f "$failed"
tap --save="$failed" "$@" && exit 0
[ -s "$failed" ] || exit 1
printf '\n# failed, run again one file at a time:\n'
cat "$failed"
echo
tap --save="$failed" --jobs=1
