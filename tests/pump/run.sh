#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds and runs the pump's unit tests, each a program of its own, with the
# address and undefined-behaviour sanitizers, and those with threads with the
# thread sanitizer too. All of the pump is linked into each; OpenSSL is loaded
# as the system has it, where Node brings its own.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
pump=$here/../../pump
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

flags="-std=c11 -g -O1 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
  -Wno-unused-function -pthread -I$pump"
memory="-fsanitize=address,undefined -fno-sanitize-recover=all"
threads="-fsanitize=thread"

# compile DIRECTORY FLAGS: objects of the pump and of what the tests share.
compile() {
	mkdir "$build/$1"
	# shellcheck disable=SC2016 # The inner shell expands its own arguments.
	find "$pump" "$here/end.c" "$here/live.c" "$here/reference.c" \
		-name '*.c' -print0 |
		xargs -0 -P "$(nproc)" -I '{}' sh -c \
			'gcc $2 -c "$1" -o "$3/$(basename "$1" .c).o"' \
			sh '{}' "$2" "$build/$1"
}

# run SOURCE DIRECTORY FLAGS
run() {
	program=$build/$(basename "$1" .c)-$2
	options=$(sed -n 's/^ \* Linked with: //p' "$1")
	# Both are lists of words.
	# shellcheck disable=SC2086
	gcc $3 $options "$1" "$build/$2"/*.o -o "$program"
	if "$program"; then
		passed=$((passed + 1))
	else
		echo "not ok - $(basename "$1") ($2)"
		failed=$((failed + 1))
	fi
}

# replay NAME: whatever the fuzzer has found that led anywhere new (fuzz_NAME.c).
replay() {
	if "$build/fuzz_$1-memory" "$here/corpus/$1"/*; then
		passed=$((passed + 1))
	else
		echo "not ok - the corpus of fuzz_$1.c"
		failed=$((failed + 1))
	fi
}

passed=0
failed=0
compile memory "$flags $memory"
for source in "$here"/test_*.c "$here"/fuzz_*.c; do
	run "$source" memory "$flags $memory"
done
replay tun
replay udp
compile threads "$flags $threads"
for name in threads workers storm; do
	run "$here/test_$name.c" threads "$flags $threads"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
