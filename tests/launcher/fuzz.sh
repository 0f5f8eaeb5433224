#!/bin/sh
# SPDX-License-Identifier: MIT
#
# fuzz.sh SECONDS: runs libFuzzer for so long on each parser of what others can
# write, with the address and undefined-behaviour sanitizers. What it learns is
# kept in build/fuzz/NAME, and what it finds in build/fuzz.
#
# A finding is looked at with the program that it came from and its file as the
# argument.
set -eu

seconds=${1:?usage: fuzz.sh SECONDS}
tests=$(cd "$(dirname "$0")/.." && pwd)
launcher=$tests/../launcher
build=$tests/../build/fuzz
mkdir -p "$build/objects"

flags="-std=c11 -g -O1 -D_GNU_SOURCE -DWITH_LIBFUZZER -Wall -Wextra -Wno-unused-function
  -fsanitize=address,undefined -fno-sanitize-recover=all -I$launcher"

# $flags is a list of words, here and below.
# shellcheck disable=SC2016 # The inner shell expands its own arguments.
find "$launcher" -name '*.c' ! -name main.c -print0 |
	xargs -0 -P "$(nproc)" -I '{}' sh -c \
		'clang $2 -fsanitize=fuzzer-no-link -c "$1" -o "$3/$(basename "$1" .c).o"' \
		sh '{}' "$flags" "$build/objects"

status=0
for source in "$tests"/launcher/fuzz_*.c "$tests"/setup/fuzz_*.c; do
	name=$(basename "$source" .c)
	mkdir -p "$build/$name"
	# shellcheck disable=SC2086
	clang $flags -fsanitize=fuzzer "$source" "$build"/objects/*.o -o "$build/$name.program"
	if "$build/$name.program" -max_total_time="$seconds" -max_len=4096 -print_final_stats=1 \
		-artifact_prefix="$build/$name-" "$build/$name" >"$build/$name.log" 2>&1; then
		echo "ok - $name ($(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log") inputs)"
	else
		tail -n 60 "$build/$name.log"
		echo "not ok - $name"
		status=1
	fi
done
exit $status
