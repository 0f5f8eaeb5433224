#!/bin/dash
# The first and only program of the virtual machine: loads the modules, then does what the second
# serial line says.
#
#   request   NUMBER SCRIPT     the script as base64, on one line
#   answer    NUMBER STATUS TEXT    its exit status, and stdout and stderr as base64
#
# The line is raw: in a terminal's usual mode the kernel would echo, and cut lines at 4 KB. The
# first serial line is the kernel's console. There is no end: the machine is switched off.
set -eu
export PATH=/bin

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
while read -r module; do
	insmod "/lib/modules/$module"
done </etc/modules

# WireGuard tells about handshakes and cookies in debug messages, and drops some of a burst by default.
echo 'module wireguard +p' >/proc/dynamic_debug/control
sysctl -q net.core.message_cost=0
ip link set lo up

stty -F /dev/ttyS1 raw -echo
exec </dev/ttyS1 >/dev/ttyS1 2>/dev/console
echo ready
while read -r number script; do
	printf '%s' "$script" | base64 -d >/tmp/script
	status=0
	dash -eu /tmp/script </dev/null >/tmp/output 2>&1 || status=$?
	printf '%s %s %s\n' "$number" "$status" "$(base64 -w 0 /tmp/output)"
done
