#!/bin/bash
#
# Records one handshake, and the first packet each way, between two of Debian's wireguard-go; writes
# the two transcripts beside this file. Run it as root; it needs iproute2, iputils-ping, strace,
# wireguard-go and wireguard-tools.
#
#   netns a: wga 10.9.0.1, fd09::1 ── u0 192.0.2.1 ═══ 192.0.2.2 u0 ── wgb 10.9.0.2, fd09::2 :netns b
#
# What a handshake depends on comes to wireguard-go through system calls, so strace sees all of it:
# the ephemeral private key and the index from getrandom(2), the inner packets from read(2) on the
# TUN device, and the datagrams on their way to sendmsg(2). Only the clock is read without a system
# call. It is read between the initiator's getrandom(2) and its sendmsg(2), and a timestamp shows
# nothing finer than 2^24 ns: where both calls fall into one such step, the timestamp is known, and
# otherwise the handshake is recorded again.
#
# Everything happens in mount, network and pid namespaces of its own, which end with the script.
set -euo pipefail

readonly ATTEMPTS=10
readonly INITIATOR='transcript initiator: test only.' # 32 bytes each, as a private key has
readonly RESPONDER='transcript responder: test only.'
readonly PRESHARED='transcript preshared: test only.'

# record NAME PING-OPTION PAYLOAD-BYTES PRESHARED: one transcript, in as many attempts as it takes.
record() {
	local target="$here/$1.json" attempt
	for ((attempt = 0; attempt < ATTEMPTS; attempt++)); do
		if unshare --mount --net --pid --fork --kill-child --mount-proc \
			"$0" --inside "$work" "$2" "$3" "$4" && write_json "$2" "$4" >"$work/json"; then
			mv "$work/json" "$target"
			echo "$target"
			return
		fi
	done
	echo "$0: $1 could not be recorded in $ATTEMPTS attempts" >&2
	exit 1
}

# inside DIRECTORY PING-OPTION PAYLOAD-BYTES PRESHARED: the two sides, and one echo between them.
inside() {
	local directory=$1 option=$2 bytes=$3 preshared=$4 side tracer=()
	mount -t tmpfs none /run
	for side in a b; do
		ip netns add $side
		ip -n $side link set lo up
	done
	ip -n a link add u0 type veth peer name u0 netns b
	ip -n a address add 192.0.2.1/24 dev u0
	ip -n b address add 192.0.2.2/24 dev u0
	ip -n a link set u0 up
	ip -n b link set u0 up
	start a "$directory"
	start b "$directory"
	configure a "$INITIATOR" 1001 "$RESPONDER" 10.9.0.2/32,fd09::2/128 192.0.2.2:1002 "$preshared"
	configure b "$RESPONDER" 1002 "$INITIATOR" 10.9.0.1/32,fd09::1/128 192.0.2.1:1001 "$preshared"
	address b 10.9.0.2/24 fd09::2/64
	address a 10.9.0.1/24 fd09::1/64
	local destination=10.9.0.2
	[[ $option = -4 ]] || destination=fd09::2
	ip netns exec a ping -q "$option" -c 1 -W 5 -s "$bytes" "$destination" >&2
	# wireguard-go ends with its interface, and strace with wireguard-go.
	ip -n a link delete wga
	ip -n b link delete wgb
	wait "${tracer[@]}"
}

# start SIDE DIRECTORY: wireguard-go under strace, until it can be configured.
start() {
	local side=$1 log="$2/log" line
	rm -f "$log"
	mkfifo "$log"
	LOG_LEVEL=verbose ip netns exec "$side" strace -f -ttt -xx -s 4096 --seccomp-bpf \
		-o "$2/trace.$side" -e trace=getrandom,read,sendmsg wireguard-go -f "wg$side" >"$log" 2>&1 &
	tracer+=($!)
	# The pipe stays open: its buffer takes what is logged later.
	exec {log_fd}<"$log"
	while read -r -t 20 line <&"$log_fd"; do
		[[ $line != *'UAPI listener started'* ]] || return 0
	done
	echo "$0: wireguard-go did not start" >&2
	exit 1
}

# configure SIDE OWN-KEY PORT PEER-KEY ALLOWED-IPS ENDPOINT PRESHARED
configure() {
	{
		printf '[Interface]\nPrivateKey = %s\nListenPort = %s\n' "$(printf %s "$2" | base64)" "$3"
		printf '[Peer]\nPublicKey = %s\n' "$(printf %s "$4" | base64 | wg pubkey)"
		printf 'AllowedIPs = %s\nEndpoint = %s\n' "$5" "$6"
		[[ -z $7 ]] || printf 'PresharedKey = %s\n' "$(printf %s "$7" | base64)"
	} | ip netns exec "$1" wg setconf "wg$1" /dev/stdin
}

# address SIDE IPV4 IPV6: the inner addresses; from here on the interface is up.
address() {
	ip -n "$1" link set "wg$1" addrgenmode none mtu 1420
	ip -n "$1" address add "$2" dev "wg$1"
	ip -n "$1" address add "$3" dev "wg$1" nodad
	ip -n "$1" link set "wg$1" up
}

# write_json PING-OPTION PRESHARED: what the traces say. Fails where the timestamp is not certain.
write_json() {
	local one=0a090001 two=0a090002 version
	if [[ $1 = -6 ]]; then
		one=fd090000000000000000000000000001
		two=fd090000000000000000000000000002
	fi
	version=$(wireguard-go --version | sed -n '1s/^wireguard-go //p')
	printf '{\n  "recordedFrom": "wireguard-go %s",\n' "$version"
	printf '  "presharedKey": "%s",\n' "$(printf %s "$2" | hex)"
	side initiator "$INITIATOR" "$one$two" "$work/trace.a" || return 1
	printf ',\n'
	side responder "$RESPONDER" "$two$one" "$work/trace.b" || return 1
	printf '\n}\n'
}

hex() {
	od -An -v -tx1 | tr -d ' \n'
}

# side ROLE PRIVATE-KEY INNER-ADDRESSES TRACE: one side's part, in which INNER-ADDRESSES are the source
# and the destination as they stand in its packet.
side() {
	awk -v role="$1" -v key="$(printf %s "$2" | hex)" -v addresses="$3" '
		# strace -f puts the thread first, then the time, then the call. A call that another thread
		# has interrupted ends on a line of its own, which has its result, but not its name first.
		sent == 0 && /getrandom.*, 32, 0\) += 32$/ { before = $2; ephemeral = quoted($0) }
		sent == 0 && /getrandom.*, 4, 0\) += 4$/ { index_bytes = quoted($0) }
		packet == "" && /read.*"/ {
			text = quoted($0)
			# Four bytes of packet information come first: no IFF_NO_PI.
			if (index(text, addresses)) packet = substr(text, 9)
		}
		/sendmsg\(.*iov_base="/ {
			if (sent == 0) after = $2
			sent++
			datagrams[sent] = quoted(substr($0, index($0, "iov_base=")))
		}
		END {
			if (sent != 2 || packet == "" || length(ephemeral) != 64) exit 1
			# The timestamp is the initiator'\''s: only there must it be certain.
			if (role == "initiator" && step(before) != step(after)) exit 1
			printf "  \"%s\": {\n", role
			field("staticPrivate", key)
			field("ephemeralPrivate", ephemeral)
			field("index", index_bytes)
			if (role == "initiator") {
				printf "    \"seconds\": %s,\n", substr(before, 1, 10)
				printf "    \"nanoseconds\": %d,\n", substr(before, 12) * 1000
			}
			field("handshakeMessage", datagrams[1])
			field("packet", packet)
			printf "    \"transportData\": \"%s\"\n  }", datagrams[2]
		}
		function quoted(line) {
			if (!match(line, /"[^"]*"/)) return ""
			line = substr(line, RSTART + 1, RLENGTH - 2)
			gsub(/\\x/, "", line)
			return line
		}
		function step(time) {
			return substr(time, 1, 10) " " int(substr(time, 12) * 1000 / 16777216)
		}
		function field(name, value) { printf "    \"%s\": \"%s\",\n", name, value }
	' "$4"
}

if [[ ${1-} = --inside ]]; then
	shift
	inside "$@"
	exit
fi
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
record ipv4 -4 56 ''
record ipv6-preshared -6 3 "$PRESHARED"
