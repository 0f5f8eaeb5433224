#!/bin/sh
# SPDX-License-Identifier: MIT
#
# fuzz.sh SECONDS: runs libFuzzer for so long on each direction of the pump, with
# the address and undefined-behaviour sanitizers. It begins with what was kept
# (corpus/NAME), goes on with what it has learnt in build/fuzz/pump-NAME, and
# leaves what it finds in build/fuzz.
#
# A finding is looked at with the program that it came from and its file as the
# argument. What is new is kept with
#
#	build/fuzz/pump-NAME.program -merge=1 -max_len=70000 \
#		tests/pump/corpus/NAME build/fuzz/pump-NAME
set -eu

seconds=${1:?usage: fuzz.sh SECONDS}
here=$(cd "$(dirname "$0")" && pwd)
pump=$here/../../pump
build=$here/../../build/fuzz
mkdir -p "$build/pump-objects"

flags="-std=c11 -g -O1 -D_GNU_SOURCE -DWITH_LIBFUZZER -Wall -Wextra -Wno-unused-function
  -fsanitize=address,undefined -fno-sanitize-recover=all -pthread -I$pump"

# $flags is a list of words, here and below.
# shellcheck disable=SC2016 # The inner shell expands its own arguments.
find "$pump" "$here/end.c" "$here/reference.c" -name '*.c' -print0 |
	xargs -0 -P "$(nproc)" -I '{}' sh -c \
		'clang $2 -fsanitize=fuzzer-no-link -c "$1" -o "$3/$(basename "$1" .c).o"' \
		sh '{}' "$flags" "$build/pump-objects"

status=0
for name in tun udp; do
	mkdir -p "$build/pump-$name"
	# shellcheck disable=SC2086
	clang $flags -fsanitize=fuzzer "$here/fuzz_$name.c" "$build"/pump-objects/*.o \
		-o "$build/pump-$name.program"
	# An input may be a packet of full size.
	if "$build/pump-$name.program" -max_total_time="$seconds" -max_len=70000 -print_final_stats=1 \
		-artifact_prefix="$build/pump-$name-" "$build/pump-$name" "$here/corpus/$name" \
		>"$build/pump-$name.log" 2>&1; then
		units=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/pump-$name.log")
		echo "ok - pump, fuzz_$name ($units inputs)"
	else
		tail -n 60 "$build/pump-$name.log"
		echo "not ok - pump, fuzz_$name"
		status=1
	fi
done
exit $status
