/* SPDX-License-Identifier: MIT */
/*
 * cause.c - from the step that failed to its cause and the remedy
 *
 * An errno alone misleads: ENOSPC from unshare(2) is no full disk, and EPERM
 * has half a dozen reasons with different remedies. A message is therefore
 * decided from the step, the errno and a second fact, such as a sysctl. Facts
 * are looked up after the failure, in the process that failed, except where
 * that process no longer sees them: inside a user namespace every foreign owner
 * is nobody.
 *
 * The order of questions is from what an administrator switched on knowingly to
 * what can only be guessed. Two notes on it:
 *
 * - A restriction by AppArmor lets unshare(2) succeed and takes the
 *   capabilities away, so that it shows at the maps or at the first mount. A
 *   container's filter stops unshare(2) itself, and is asked about first: there
 *   the sysctl of the host is readable, too.
 * - INVOCATION_ID alone proves nothing, since a desktop's own session is a unit
 *   of systemd and its environment is inherited.
 */
#include "cause.h"

#include "die.h"
#include "errname.h"
#include "evidence.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The value of "Seccomp:" in proc_pid_status(5) with a filter installed. */
enum { SECCOMP_FILTERED = 2 };

/* Where a message goes, bit by bit. */
struct writer {
	char *text;
	size_t size;
	size_t len;
};

/**
 * put() - Append to a message
 * @writer:	Where
 * @format:	What
 */
__attribute__((format(printf, 2, 3))) static void put(struct writer *writer,
						      const char *format, ...)
{
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vsnprintf(writer->text + writer->len, writer->size - writer->len,
			format, arguments);
	va_end(arguments);
	if (len > 0)
		writer->len += (size_t)len;
	if (writer->len >= writer->size)
		writer->len = writer->size - 1;
}

/**
 * step_name() - Name a step as its evidence is named
 * @step:	The step
 */
static const char *step_name(enum cause_step step)
{
	switch (step) {
	case CAUSE_UNSHARE:
		return "unshare";
	case CAUSE_SETGROUPS:
		return "setgroups";
	case CAUSE_UID_MAP:
		return "uid_map";
	case CAUSE_GID_MAP:
		return "gid_map";
	case CAUSE_MOUNT:
		return "mount";
	case CAUSE_TUN:
		return "tun";
	}
	return "set-up";
}

/**
 * sudo_name() - What to type after sudo to run this launcher
 * @launcher:	Its real path
 * Returns the bare name where the PATH that sudo uses has it.
 */
static const char *sudo_name(const char *launcher)
{
	static const char *const directories[] = {
		"/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/",
		"/usr/bin/",	    "/sbin/",	       "/bin/",
	};
	const char *name = strrchr(launcher, '/');
	size_t i, len;

	if (!name)
		return launcher;
	name++;
	len = (size_t)(name - launcher);
	for (i = 0; i < sizeof(directories) / sizeof(*directories); i++) {
		if (strlen(directories[i]) == len &&
		    strncmp(directories[i], launcher, len) == 0)
			return name;
	}
	return launcher;
}

/**
 * explain_apparmor() - AppArmor forbids user namespaces to programs like us
 * @cause:	The facts
 * @writer:	Where the message goes
 */
static void explain_apparmor(const struct cause *cause, struct writer *writer)
{
	static const char off[] =
		"sudo sysctl -w "
		"kernel.apparmor_restrict_unprivileged_userns=0";

	put(writer,
	    "this kernel forbids unprivileged user namespaces (AppArmor: "
	    "kernel.apparmor_restrict_unprivileged_userns=1; %s: %s)",
	    step_name(cause->step), errname(cause->errnum));
	if (cause->in_container)
		put(writer, "\n  On the host, not in the container:");
	put(writer,
	    "\n  For wg-wrap only (root, once):  sudo %s setup apparmor"
	    "       (shows what it writes with --print)",
	    sudo_name(cause->launcher));
	put(writer, "\n  For all programs, this boot:    %s", off);
	if (cause->in_github_actions)
		put(writer, "\n  GitHub Actions, a step before:  - run: %s",
		    off);
}

/**
 * explain_limit() - A limit on namespaces is reached
 * @cause:	The facts
 * @writer:	Where the message goes
 */
static void explain_limit(const struct cause *cause, struct writer *writer)
{
	const char *zero = cause->max_user_ns == 0  ? "user"
			   : cause->max_net_ns == 0 ? "net"
			   : cause->max_mnt_ns == 0 ? "mnt"
						    : NULL;

	if (zero)
		put(writer,
		    "no more namespaces: user.max_%s_namespaces is 0 (this is "
		    "not a full disk); sudo sysctl -w "
		    "user.max_%s_namespaces=10000",
		    zero, zero);
	else
		put(writer,
		    "no more namespaces: the nesting limit of 32 is reached, "
		    "or user.max_user_namespaces (%ld), "
		    "user.max_net_namespaces (%ld) or user.max_mnt_namespaces "
		    "(%ld) is used up (this is not a full disk); end tunnels, "
		    "or raise the limit with sudo sysctl -w",
		    cause->max_user_ns, cause->max_net_ns, cause->max_mnt_ns);
}

/**
 * explain_filter() - A filter of seccomp(2) refused unshare(2)
 * @cause:	The facts
 * @writer:	Where the message goes
 */
static void explain_filter(const struct cause *cause, struct writer *writer)
{
	if (cause->in_container)
		put(writer,
		    "the container's seccomp filter forbids namespaces: "
		    "docker run --security-opt seccomp=FILE --device "
		    "/dev/net/tun ... (\"docker build\" can't do this: use a "
		    "run step)");
	else if (cause->in_systemd_unit)
		put(writer, "the systemd unit forbids namespaces: set "
			    "RestrictNamespaces=no");
	else
		put(writer,
		    "a seccomp filter forbids namespaces (unshare: %s); run "
		    "wg-wrap outside of the sandbox that installed it",
		    errname(cause->errnum));
}

/**
 * explain_unshare() - The namespaces couldn't be made
 * @cause:	The facts
 * @writer:	Where the message goes
 */
static void explain_unshare(const struct cause *cause, struct writer *writer)
{
	bool is_filtered = cause->seccomp == SECCOMP_FILTERED;
	int errnum = cause->errnum;

	if (errnum == ENOSPC || errnum == EUSERS)
		explain_limit(cause, writer);
	else if (errnum == EINVAL || errnum == ENOSYS)
		put(writer, "this kernel has no user namespaces "
			    "(CONFIG_USER_NS)");
	else if (errnum != EPERM && errnum != EACCES)
		put(writer, "can't make namespaces (unshare: %s)",
		    errname(errnum));
	else if (cause->userns_clone == 0)
		put(writer, "unprivileged user namespaces are off; sudo sysctl "
			    "-w kernel.unprivileged_userns_clone=1");
	else if (errnum == EPERM && is_filtered &&
		 (cause->in_container || cause->in_systemd_unit))
		explain_filter(cause, writer);
	else if (cause->apparmor_userns == 1)
		explain_apparmor(cause, writer);
	else if (errnum == EACCES && cause->selinux_enforcing)
		put(writer, "SELinux refused it (unshare: EACCES); the reason: "
			    "sudo ausearch -m avc -ts recent");
	else if (cause->in_chroot)
		put(writer, "user namespaces can't be made inside a chroot");
	else if (is_filtered)
		explain_filter(cause, writer);
	else
		put(writer,
		    "a security module forbids user namespaces (unshare: %s)%s",
		    errname(errnum),
		    cause->in_container ? "; the container's host has to "
					  "allow them"
					: "");
}

/**
 * explain_refusal() - The namespaces are there, but may not be furnished
 * @cause:	The facts
 * @what:	What the step was about
 * @writer:	Where the message goes
 */
static void explain_refusal(const struct cause *cause, const char *what,
			    struct writer *writer)
{
	bool is_mount = cause->step == CAUSE_MOUNT;
	bool is_refused = cause->errnum == EPERM || cause->errnum == EACCES;

	if (is_refused && cause->apparmor_userns == 1)
		explain_apparmor(cause, writer);
	else if (cause->errnum == EACCES && !is_mount && !cause->is_dumpable)
		put(writer,
		    "the launcher must be readable and without file "
		    "capabilities: chmod 755 %s",
		    cause->launcher);
	else if (cause->errnum == EACCES && cause->selinux_enforcing)
		put(writer,
		    "SELinux refused it (%s: EACCES); the reason: sudo "
		    "ausearch -m avc -ts recent",
		    step_name(cause->step));
	else if (is_refused && is_mount)
		put(writer, "a security module forbids mounts here (%s: %s)%s",
		    what, errname(cause->errnum),
		    cause->in_container ? "; --security-opt apparmor=unconfined"
					: "");
	else if (is_mount)
		put(writer, "can't mount %s inside (%s)", what,
		    errname(cause->errnum));
	else
		put(writer, "can't map the user into a namespace (%s: %s)",
		    what, errname(cause->errnum));
}

/**
 * put_mode() - Append a mode and an owner as ls(1) shows them
 * @cause:	The facts
 * @writer:	Where the message goes
 * Only root has a name here: other names would need the host's databases.
 */
static void put_mode(const struct cause *cause, struct writer *writer)
{
	static const char letters[] = "rwxrwxrwx";
	int bit;

	put(writer, "%c", S_ISCHR(cause->tun_mode) ? 'c' : '-');
	for (bit = 0; bit < 9; bit++)
		put(writer, "%c",
		    cause->tun_mode & (0400U >> bit) ? letters[bit] : '-');
	if (cause->tun_uid == 0)
		put(writer, " root");
	else
		put(writer, " %u", cause->tun_uid);
	if (cause->tun_gid == 0)
		put(writer, " root");
	else
		put(writer, " %u", cause->tun_gid);
}

/**
 * explain_tun() - The TUN device couldn't be made
 * @cause:	The facts
 * @what:	What the step was about
 * @writer:	Where the message goes
 */
static void explain_tun(const struct cause *cause, const char *what,
			struct writer *writer)
{
	bool is_open_to_all = (cause->tun_mode & 0666) == 0666;

	switch (cause->errnum) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		if (cause->in_container)
			put(writer, "no /dev/net/tun: --device /dev/net/tun");
		else if (cause->no_modules)
			put(writer, "no /dev/net/tun: the kernel was upgraded: "
				    "reboot");
		else
			put(writer, "no /dev/net/tun: sudo modprobe tun");
		break;
	case EPERM:
		put(writer,
		    "the device cgroup forbids /dev/net/tun: docker --device "
		    "/dev/net/tun; LXC: lxc.cgroup2.devices.allow = c 10:200 "
		    "rwm");
		break;
	case EACCES:
		if (is_open_to_all && cause->selinux_enforcing) {
			put(writer, "SELinux refused /dev/net/tun (EACCES); "
				    "the reason: sudo ausearch -m avc -ts "
				    "recent");
			break;
		}
		put(writer, "/dev/net/tun is not open to you (");
		put_mode(cause, writer);
		put(writer, "): sudo chmod 0666 /dev/net/tun");
		break;
	default:
		put(writer, "can't make the TUN device (%s: %s)", what,
		    errname(cause->errnum));
	}
}

/**
 * cause_explain() - Write the message
 * @cause:	The facts
 * @what:	What the step was about
 * @text:	Where it goes
 * @size:	Room there
 */
void cause_explain(const struct cause *cause, const char *what, char *text,
		   size_t size)
{
	struct writer writer = {.text = text, .size = size};

	text[0] = '\0';
	if (cause->step == CAUSE_UNSHARE)
		explain_unshare(cause, &writer);
	else if (cause->step == CAUSE_TUN)
		explain_tun(cause, what, &writer);
	else
		explain_refusal(cause, what, &writer);
}

/**
 * cause_die() - Print the message about errno, and exit
 * @step:	The step that failed
 * @what:	What it was about
 */
_Noreturn void cause_die(enum cause_step step, const char *what)
{
	struct cause cause = {.step = step, .errnum = errno};
	char text[2048];

	evidence_look(&cause, "");
	cause_explain(&cause, what, text, sizeof(text));
	die(STATUS_SETUP, "%s", text);
}

/**
 * cause_die_tun() - Print why /dev/net/tun didn't open, and exit
 * @node:	The device as the host sees it, zeroed where there is none
 */
_Noreturn void cause_die_tun(const struct stat *node)
{
	struct cause cause = {.step = CAUSE_TUN,
			      .errnum = errno,
			      .tun_mode = node->st_mode,
			      .tun_uid = node->st_uid,
			      .tun_gid = node->st_gid};
	char text[2048];

	evidence_look(&cause, "");
	cause_explain(&cause, "/dev/net/tun", text, sizeof(text));
	die(STATUS_SETUP, "%s", text);
}
