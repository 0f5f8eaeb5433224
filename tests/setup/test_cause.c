/* SPDX-License-Identifier: MIT */
/*
 * test_cause.c - what is said about each way in which a host forbids a tunnel
 *
 * First the texts, from facts given as values; then the facts, from trees of
 * files that look like such hosts.
 */
#include "cause.h"
#include "evidence.h"

#include "test.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/utsname.h>

/* An ordinary host, on which nothing is forbidden. */
static const struct cause ordinary = {
	.apparmor_userns = CAUSE_ABSENT,
	.userns_clone = CAUSE_ABSENT,
	.max_user_ns = 1000,
	.max_mnt_ns = 1000,
	.max_net_ns = 1000,
	.is_dumpable = true,
	.tun_mode = S_IFCHR | 0666,
	.launcher = "/usr/local/bin/wg-wrap",
};

static void check_explained(const struct cause *cause, enum cause_step step,
			    int errnum, const char *expected)
{
	struct cause failed = *cause;
	char text[2048];

	failed.step = step;
	failed.errnum = errnum;
	cause_explain(&failed, "/some/path", text, sizeof(text));
	CHECK_TEXT(text, expected);
}

#define APPARMOR(step)                                                         \
	"this kernel forbids unprivileged user namespaces (AppArmor: "         \
	"kernel.apparmor_restrict_unprivileged_userns=1; " step ")"
#define FOR_ONE(name)                                                          \
	"\n  For wg-wrap only (root, once):  sudo " name                       \
	" setup apparmor       (shows what it writes with --print)"
#define FOR_ALL                                                                \
	"\n  For all programs, this boot:    sudo sysctl -w "                  \
	"kernel.apparmor_restrict_unprivileged_userns=0"
#define ON_GITHUB                                                              \
	"\n  GitHub Actions, a step before:  - run: sudo sysctl -w "           \
	"kernel.apparmor_restrict_unprivileged_userns=0"
#define ON_HOST "\n  On the host, not in the container:"

static void explains_apparmor(void)
{
	struct cause cause = ordinary;

	cause.apparmor_userns = 1;
	check_explained(&cause, CAUSE_UID_MAP, EPERM,
			APPARMOR("uid_map: EPERM") FOR_ONE("wg-wrap") FOR_ALL);
	check_explained(&cause, CAUSE_SETGROUPS, EACCES,
			APPARMOR("setgroups: EACCES") FOR_ONE("wg-wrap")
				FOR_ALL);
	check_explained(&cause, CAUSE_MOUNT, EACCES,
			APPARMOR("mount: EACCES") FOR_ONE("wg-wrap") FOR_ALL);
	check_explained(&cause, CAUSE_UNSHARE, EACCES,
			APPARMOR("unshare: EACCES") FOR_ONE("wg-wrap") FOR_ALL);
	strcpy(cause.launcher, "/opt/tools/bin/wg-wrap");
	cause.in_github_actions = true;
	check_explained(&cause, CAUSE_UID_MAP, EPERM,
			APPARMOR("uid_map: EPERM")
				FOR_ONE("/opt/tools/bin/wg-wrap")
					FOR_ALL ON_GITHUB);
	cause.in_github_actions = false;
	cause.in_container = true;
	check_explained(&cause, CAUSE_UID_MAP, EPERM,
			APPARMOR("uid_map: EPERM")
				ON_HOST FOR_ONE("/opt/tools/bin/wg-wrap")
					FOR_ALL);
}

static void blames_apparmor_only_for_refusals(void)
{
	struct cause cause = ordinary;

	cause.apparmor_userns = 1;
	check_explained(&cause, CAUSE_MOUNT, ENOMEM,
			"can't mount /some/path inside (ENOMEM)");
	cause.apparmor_userns = 0;
	check_explained(&cause, CAUSE_UID_MAP, EPERM,
			"can't map the user into a namespace (/some/path: "
			"EPERM)");
}

static void explains_limits(void)
{
	struct cause cause = ordinary;

	cause.max_user_ns = 0;
	check_explained(&cause, CAUSE_UNSHARE, ENOSPC,
			"no more namespaces: user.max_user_namespaces is 0 "
			"(this is not a full disk); sudo sysctl -w "
			"user.max_user_namespaces=10000");
	cause.max_user_ns = 1000;
	cause.max_net_ns = 0;
	check_explained(&cause, CAUSE_UNSHARE, ENOSPC,
			"no more namespaces: user.max_net_namespaces is 0 "
			"(this is not a full disk); sudo sysctl -w "
			"user.max_net_namespaces=10000");
	cause.max_net_ns = 1000;
	cause.max_mnt_ns = 0;
	check_explained(&cause, CAUSE_UNSHARE, EUSERS,
			"no more namespaces: user.max_mnt_namespaces is 0 "
			"(this is not a full disk); sudo sysctl -w "
			"user.max_mnt_namespaces=10000");
	cause.max_mnt_ns = 1000;
	check_explained(&cause, CAUSE_UNSHARE, ENOSPC,
			"no more namespaces: the nesting limit of 32 is "
			"reached, or user.max_user_namespaces (1000), "
			"user.max_net_namespaces (1000) or "
			"user.max_mnt_namespaces (1000) is used up (this is "
			"not a full disk); end tunnels, or raise the limit "
			"with sudo sysctl -w");
}

static void explains_switched_off(void)
{
	struct cause cause = ordinary;

	cause.userns_clone = 0;
	cause.seccomp = 2;
	cause.in_container = true;
	check_explained(&cause, CAUSE_UNSHARE, EPERM,
			"unprivileged user namespaces are off; sudo sysctl -w "
			"kernel.unprivileged_userns_clone=1");
}

static void explains_container_filter(void)
{
	struct cause cause = ordinary;

	cause.seccomp = 2;
	cause.in_container = true;
	cause.in_systemd_unit = true;
	cause.apparmor_userns = 1;
	check_explained(&cause, CAUSE_UNSHARE, EPERM,
			"the container's seccomp filter forbids namespaces: "
			"docker run --security-opt seccomp=FILE --device "
			"/dev/net/tun ... (\"docker build\" can't do this: use "
			"a run step)");
}

static void explains_unit_filter(void)
{
	struct cause cause = ordinary;

	cause.seccomp = 2;
	cause.in_systemd_unit = true;
	check_explained(&cause, CAUSE_UNSHARE, EPERM,
			"the systemd unit forbids namespaces: set "
			"RestrictNamespaces=no");
	cause.seccomp = 0;
	cause.in_chroot = true;
	check_explained(&cause, CAUSE_UNSHARE, EPERM,
			"user namespaces can't be made inside a chroot");
}

static void explains_other_filter(void)
{
	struct cause cause = ordinary;

	cause.seccomp = 2;
	check_explained(&cause, CAUSE_UNSHARE, EPERM,
			"a seccomp filter forbids namespaces (unshare: EPERM); "
			"run wg-wrap outside of the sandbox that installed it");
}

static void explains_chroot(void)
{
	struct cause cause = ordinary;

	cause.in_chroot = true;
	check_explained(&cause, CAUSE_UNSHARE, EPERM,
			"user namespaces can't be made inside a chroot");
}

static void explains_old_kernel(void)
{
	check_explained(&ordinary, CAUSE_UNSHARE, EINVAL,
			"this kernel has no user namespaces (CONFIG_USER_NS)");
	check_explained(&ordinary, CAUSE_UNSHARE, ENOSYS,
			"this kernel has no user namespaces (CONFIG_USER_NS)");
}

static void explains_unreadable_launcher(void)
{
	struct cause cause = ordinary;

	cause.is_dumpable = false;
	check_explained(&cause, CAUSE_SETGROUPS, EACCES,
			"the launcher must be readable and without file "
			"capabilities: chmod 755 /usr/local/bin/wg-wrap");
	check_explained(&cause, CAUSE_UID_MAP, EACCES,
			"the launcher must be readable and without file "
			"capabilities: chmod 755 /usr/local/bin/wg-wrap");
}

static void explains_selinux(void)
{
	struct cause cause = ordinary;

	cause.selinux_enforcing = true;
	check_explained(&cause, CAUSE_UNSHARE, EACCES,
			"SELinux refused it (unshare: EACCES); the reason: "
			"sudo ausearch -m avc -ts recent");
	check_explained(&cause, CAUSE_MOUNT, EACCES,
			"SELinux refused it (mount: EACCES); the reason: sudo "
			"ausearch -m avc -ts recent");
	check_explained(&cause, CAUSE_TUN, EACCES,
			"SELinux refused /dev/net/tun (EACCES); the reason: "
			"sudo ausearch -m avc -ts recent");
}

static void explains_refused_mount(void)
{
	struct cause cause = ordinary;

	check_explained(&cause, CAUSE_MOUNT, EACCES,
			"a security module forbids mounts here (/some/path: "
			"EACCES)");
	cause.in_container = true;
	check_explained(&cause, CAUSE_MOUNT, EPERM,
			"a security module forbids mounts here (/some/path: "
			"EPERM); --security-opt apparmor=unconfined");
}

static void explains_missing_tun(void)
{
	struct cause cause = ordinary;

	check_explained(&cause, CAUSE_TUN, ENOENT,
			"no /dev/net/tun: sudo modprobe tun");
	check_explained(&cause, CAUSE_TUN, ENODEV,
			"no /dev/net/tun: sudo modprobe tun");
	cause.no_modules = true;
	check_explained(&cause, CAUSE_TUN, ENODEV,
			"no /dev/net/tun: the kernel was upgraded: reboot");
	cause.in_container = true;
	check_explained(&cause, CAUSE_TUN, ENOENT,
			"no /dev/net/tun: --device /dev/net/tun");
}

static void explains_forbidden_tun(void)
{
	struct cause cause = ordinary;

	check_explained(&cause, CAUSE_TUN, EPERM,
			"the device cgroup forbids /dev/net/tun: docker "
			"--device /dev/net/tun; LXC: lxc.cgroup2.devices.allow "
			"= c 10:200 rwm");
	cause.selinux_enforcing = true;
	cause.tun_mode = S_IFCHR | 0600;
	check_explained(&cause, CAUSE_TUN, EACCES,
			"/dev/net/tun is not open to you (crw------- root "
			"root): sudo chmod 0666 /dev/net/tun");
	cause.tun_mode = S_IFCHR | 0660;
	cause.tun_gid = 101;
	check_explained(&cause, CAUSE_TUN, EACCES,
			"/dev/net/tun is not open to you (crw-rw---- root "
			"101): sudo chmod 0666 /dev/net/tun");
}

static void cuts_long_messages_off(void)
{
	struct cause cause = ordinary;
	char text[16];

	cause.step = CAUSE_UNSHARE;
	cause.errnum = ENOSYS;
	memset(text, 'x', sizeof(text));
	cause_explain(&cause, "", text, sizeof(text));
	CHECK_TEXT(text, "this kernel has");
	cause.apparmor_userns = 1;
	cause.errnum = EPERM;
	cause_explain(&cause, "", text, sizeof(text));
	CHECK_TEXT(text, "this kernel for");
}

/* A tree of files in place of a host's. */
static char root[] = "/tmp/wg-wrap-test-XXXXXX";

/* Writes a file of the tree, with its directories. */
static void plant(const char *path, const char *text)
{
	char full[PATH_MAX], *slash;
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (slash = strchr(full + sizeof(root) - 1 + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	file = fopen(full, "w");
	CHECK(file != NULL);
	if (!file)
		return;
	fputs(text, file);
	fclose(file);
}

/* Empties the tree, and the environment of what tells about a host. */
static void clear(void)
{
	static const char *const variables[] = {
		"container", "KUBERNETES_SERVICE_HOST", "INVOCATION_ID",
		"GITHUB_ACTIONS"};
	char command[128];
	size_t i;

	snprintf(command, sizeof(command), "rm -rf %s && mkdir %s", root, root);
	CHECK(system(command) == 0);
	for (i = 0; i < sizeof(variables) / sizeof(*variables); i++)
		unsetenv(variables[i]);
}

static void finds_nothing_on_bare_host(void)
{
	struct cause cause = {0};

	clear();
	evidence_look(&cause, root);
	CHECK(cause.apparmor_userns == CAUSE_ABSENT);
	CHECK(cause.userns_clone == CAUSE_ABSENT);
	CHECK(cause.max_user_ns == CAUSE_ABSENT);
	CHECK(cause.seccomp == CAUSE_ABSENT);
	CHECK(!cause.selinux_enforcing && !cause.in_container);
	CHECK(!cause.in_systemd_unit && !cause.in_github_actions);
	CHECK(!cause.in_chroot && !cause.no_modules);
	CHECK(cause.is_dumpable);
	CHECK(cause.launcher[0] == '/');
}

static void reads_sysctls(void)
{
	struct cause cause = {0};

	clear();
	plant("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
	plant("/proc/sys/kernel/unprivileged_userns_clone", "0\n");
	plant("/proc/sys/user/max_user_namespaces", "0\n");
	plant("/proc/sys/user/max_mnt_namespaces", "7\n");
	plant("/proc/sys/user/max_net_namespaces", "96313\n");
	plant("/sys/fs/selinux/enforce", "1");
	evidence_look(&cause, root);
	CHECK(cause.apparmor_userns == 1);
	CHECK(cause.userns_clone == 0);
	CHECK(cause.max_user_ns == 0);
	CHECK(cause.max_mnt_ns == 7);
	CHECK(cause.max_net_ns == 96313);
	CHECK(cause.selinux_enforcing);
}

static void reads_seccomp(void)
{
	struct cause cause = {0};

	clear();
	plant("/proc/self/status", "Name:\tSeccomp:\t1\nNoNewPrivs:\t0\n"
				   "Seccomp:\t2\nSeccomp_filters:\t1\n");
	evidence_look(&cause, root);
	CHECK(cause.seccomp == 2);
}

static void tells_containers(void)
{
	static const char *const files[] = {"/.dockerenv", "/run/.containerenv",
					    "/run/systemd/container"};
	struct cause cause = {0};
	size_t i;

	for (i = 0; i < 3; i++) {
		clear();
		plant(files[i], "");
		evidence_look(&cause, root);
		CHECK(cause.in_container);
	}
	clear();
	setenv("container", "lxc", 1);
	evidence_look(&cause, root);
	CHECK(cause.in_container);
	clear();
	setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
	evidence_look(&cause, root);
	CHECK(cause.in_container);
}

static void tells_chroot(void)
{
	struct cause cause = {0};

	clear();
	plant("/proc/self/mountinfo",
	      "22 27 0:21 / /proc rw,relatime - proc proc rw\n");
	evidence_look(&cause, root);
	CHECK(cause.in_chroot);
	plant("/proc/self/mountinfo",
	      "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
	      "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n");
	evidence_look(&cause, root);
	CHECK(!cause.in_chroot);
}

static void tells_environment(void)
{
	struct cause cause = {0};

	clear();
	setenv("INVOCATION_ID", "0123", 1);
	setenv("GITHUB_ACTIONS", "true", 1);
	evidence_look(&cause, root);
	CHECK(cause.in_systemd_unit && cause.in_github_actions);
	setenv("GITHUB_ACTIONS", "false", 1);
	evidence_look(&cause, root);
	CHECK(!cause.in_github_actions);
}

static void tells_missing_modules(void)
{
	struct cause cause = {0};
	struct utsname name;
	char path[512];

	clear();
	plant("/lib/modules/0.0.1/modules.dep", "");
	evidence_look(&cause, root);
	CHECK(cause.no_modules);
	uname(&name);
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep",
		 name.release);
	plant(path, "");
	evidence_look(&cause, root);
	CHECK(!cause.no_modules);
}

/* Ends with the message about errno. */
static void die_of_mount(const void *context)
{
	(void)context;
	errno = ENOMEM;
	cause_die(CAUSE_MOUNT, "/run/nscd");
}

static void dies_with_the_message(void)
{
	char output[256];

	CHECK(run_apart(die_of_mount, NULL, output, sizeof(output)) == 125);
	CHECK_TEXT(output, "wg-wrap: can't mount /run/nscd inside (ENOMEM)\n");
}

int main(void)
{
	TEST("AppArmor's restriction has remedies for each place",
	     explains_apparmor);
	TEST("AppArmor is blamed only where something was refused",
	     blames_apparmor_only_for_refusals);
	TEST("ENOSPC names the limit that is 0", explains_limits);
	TEST("user namespaces switched off come before other causes",
	     explains_switched_off);
	TEST("a container's filter comes before its host's AppArmor",
	     explains_container_filter);
	TEST("a unit of systemd is blamed only with a filter",
	     explains_unit_filter);
	TEST("any other filter is named as one", explains_other_filter);
	TEST("a chroot is told", explains_chroot);
	TEST("a kernel without user namespaces is told", explains_old_kernel);
	TEST("an unreadable launcher is told", explains_unreadable_launcher);
	TEST("SELinux is named with where it says more", explains_selinux);
	TEST("a refused mount is told", explains_refused_mount);
	TEST("a missing TUN device has three remedies", explains_missing_tun);
	TEST("a forbidden TUN device shows its mode and owner",
	     explains_forbidden_tun);
	TEST("a message is cut off where there is no room",
	     cuts_long_messages_off);

	CHECK(mkdtemp(root) != NULL);
	TEST("a host that tells nothing has no cause",
	     finds_nothing_on_bare_host);
	TEST("sysctls are read", reads_sysctls);
	TEST("the mode of seccomp is read", reads_seccomp);
	TEST("containers are told by files and environment", tells_containers);
	TEST("a chroot has no mount at its root", tells_chroot);
	TEST("the environment is read", tells_environment);
	TEST("missing modules mean an upgraded kernel", tells_missing_modules);
	TEST("the message ends the process with 125", dies_with_the_message);
	clear();
	rmdir(root);
	return report();
}
