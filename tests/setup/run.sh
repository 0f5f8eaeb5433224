#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds and runs the tests of the launcher's set-up half, with the address and undefined-behaviour sanitizers.
# They need no privileges and no TUN device. FUZZ_ROUNDS sets how many inputs the fuzzer tries.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
launcher=$here/../../launcher
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

CFLAGS="-std=c11 -D_GNU_SOURCE -g -O1 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror
  -fsanitize=address,undefined -fno-sanitize-recover=all -I$launcher -I$here"

# build NAME SOURCE... [-OPTION...]: a program of tests/setup/NAME.c and these sources of launcher/
build() {
	name=$1
	shift
	sources="" options=""
	for word; do
		case $word in
		-*) options="$options $word" ;;
		*) sources="$sources $launcher/$word.c" ;;
		esac
	done
	# shellcheck disable=SC2086 # lists of words
	gcc $CFLAGS $options -o "$out/$name" "$here/$name.c" $sources
}

messages="die printable errname text"
# shellcheck disable=SC2086 # a list of words
{
	build test_die die printable errname
	build test_plan plan options hostnames memfd value $messages
	build test_resolver resolver
	build test_sshconfig sshconfig sshglob $messages
	build test_cause cause evidence $messages
	build test_rtnl rtnl rtnlflush gso netlink sysctl $messages -Wl,--wrap=netlink_exchange -Wl,--wrap=sysctl_set
	build test_farm farm
}

# Messages have one form more under GitHub's runner.
unset GITHUB_ACTIONS || true

passed=0 failed=0
for test in die plan resolver sshconfig cause rtnl farm; do
	status=0
	"$out/test_$test" >"$out/log" 2>&1 || status=$?
	cat "$out/log"
	passed=$((passed + $(grep -c '^ok - ' "$out/log" || true)))
	not_ok=$(grep -c '^not ok - ' "$out/log" || true)
	if [ "$status" -ne 0 ] && [ "$not_ok" -eq 0 ]; then
		echo "not ok - test_$test runs to its end (exit status $status)"
		not_ok=1
	fi
	failed=$((failed + not_ok))
done

rounds=${FUZZ_ROUNDS:-20000} seed=$$ status=0
title="the plan's parser takes anything ($rounds inputs, seed $seed)"
if command -v clang >/dev/null; then
	# shellcheck disable=SC2086 # a list of words
	clang ${CFLAGS} -fsanitize=fuzzer -o "$out/fuzz_plan" "$here/fuzz_plan.c" "$launcher/plan.c" "$launcher/options.c" \
		"$launcher/hostnames.c" "$launcher/memfd.c" "$launcher/value.c" \
		"$launcher/die.c" "$launcher/printable.c" "$launcher/errname.c"
	(cd "$out" && ./fuzz_plan -runs="$rounds" -seed="$seed" -max_len=4096) >"$out/log" 2>&1 || status=$?
else
	build fuzz_plan plan options hostnames memfd value die printable errname -DSTANDALONE
	"$out/fuzz_plan" "$rounds" "$seed" >"$out/log" 2>&1 || status=$?
fi
if [ "$status" -eq 0 ]; then
	echo "ok - $title"
	passed=$((passed + 1))
else
	cat "$out/log"
	echo "not ok - $title"
	failed=$((failed + 1))
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
