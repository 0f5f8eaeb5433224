#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds and runs the launcher's unit tests, each a program of its own, with the
# address and undefined-behaviour sanitizers. All of the launcher but its main()
# is linked into each: nothing here stands in for it.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
launcher=$here/../../launcher
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

flags="-std=c11 -g -O1 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
  -Wno-unused-function -fsanitize=address,undefined -fno-sanitize-recover=all
  -I$launcher"

# $flags is a list of words, here and below.
# shellcheck disable=SC2016 # The inner shell expands its own arguments.
find "$launcher" -name '*.c' ! -name main.c -print0 |
	xargs -0 -P "$(nproc)" -I '{}' sh -c \
		'gcc $2 -c "$1" -o "$3/$(basename "$1" .c).o"' \
		sh '{}' "$flags" "$build"

passed=0
failed=0
for source in "$here"/test_*.c "$here"/fuzz_*.c; do
	program=$build/$(basename "$source" .c)
	# shellcheck disable=SC2086
	gcc $flags "$source" "$build"/*.o -o "$program"
	if "$program"; then
		passed=$((passed + 1))
	else
		echo "not ok - $(basename "$source")"
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
