#!/bin/sh
# Takes out of installed packages what no daemon reads: types, sources, maps, notes, tests, builds for other systems.
set -eu
find "$@" -type f \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.md' -o -name '*.flow' -o -name '.tsbuildinfo' \) -delete
find "$@" -type d \( -name android-\* -o -name darwin-\* -o -name win32-\* \) -path '*/prebuilds/*' -prune -exec rm -rf {} +
find "$@" -type d -path '*/node_modules/@types' -prune -exec rm -rf {} +
find "$@" -type d -empty -delete
