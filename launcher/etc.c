/* SPDX-License-Identifier: MIT */
/*
 * etc.c - the command's view of /etc
 *
 * Files of ours stand in for the host's resolver files, and for those that ssh
 * would refuse. A bind mount over a single file doesn't do: when the host
 * replaces the file by renaming another one over it, as DHCP clients do, the
 * kernel takes the mount away in every namespace, and the command would read
 * the host's file. /etc itself is never replaced, so the view covers all of it.
 *
 * 1. A tmpfs is mounted in the private directory, and our files go there.
 * 2. An overlay of that over /etc is mounted on /etc, with two lower layers and
 *    no upper one: it is read-only. The tmpfs is then let go of; the overlay
 *    holds it.
 * 3. Where overlayfs refuses, a farm: the rest of /etc is linked into the
 *    tmpfs, which is moved on /etc itself. See farm.c. overlayfs refuses
 *    wherever something is mounted below /etc, as in every container, and at
 *    the third level of overlays.
 * 4. Where both fail the set-up fails, unless the plan wants no names.
 *
 * Nothing of the view stays anywhere but at /etc. Tunnels inside of tunnels may
 * therefore hide the private directory again without breaking it.
 *
 * What is only ours is in /etc/.wg-wrap:
 *
 *	inside		the record, as in the private directory
 *	state		the path of the directory of all state directories
 *	host		in a farm, the host's /etc
 *	outside		copies of ssh's files from outside of /etc
 */
#include "etc.h"

#include "die.h"
#include "errname.h"
#include "farm.h"
#include "plan.h"
#include "resolver.h"
#include "sshconfig.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Blocklists kept in hosts(5) grow to many MiB; nobody's nsswitch.conf does. */
enum { HOSTS_MAX = 64 << 20, SWITCH_MAX = 1 << 20 };

static const unsigned long view_flags = MS_NOSUID | MS_NODEV;

/**
 * create() - Create a file of the view
 * @dir:	Top directory of the view
 * @path:	Path below it
 * @text:	Content
 * @len:	Number of bytes
 */
static void create(int dir, const char *path, const char *text, size_t len)
{
	if (text_create(dir, path, text, len) != 0)
		die_errno("can't create /etc/%s for the command", path);
}

/**
 * create_resolv() - Create resolv.conf
 * @dir:	Top directory of the view
 * @plan:	The plan
 */
static void create_resolv(int dir, const struct plan *plan)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		die_errno("can't compose resolv.conf");
	resolver_put_servers(out, plan);
	if (fclose(out) != 0)
		die_errno("can't compose resolv.conf");
	create(dir, "resolv.conf", text, len);
	free(text);
}

/**
 * create_switch() - Create nsswitch.conf from the host's
 * @dir:	Top directory of the view
 * A host without one gets the line alone; the C library knows the rest.
 */
static void create_switch(int dir)
{
	size_t len = 0, host_len;
	char *text = NULL, *host;
	FILE *out;

	host = text_read(-1, "/etc/nsswitch.conf", SWITCH_MAX, &host_len);
	if (!host && errno != ENOENT && errno != EACCES)
		die_errno("can't read /etc/nsswitch.conf");
	out = open_memstream(&text, &len);
	if (!out)
		die_errno("can't compose nsswitch.conf");
	resolver_put_switch(out, host ? host : "");
	if (fclose(out) != 0)
		die_errno("can't compose nsswitch.conf");
	create(dir, "nsswitch.conf", text, len);
	free(text);
	free(host);
}

/**
 * create_hosts() - Create hosts from the host's, if a name is missing there
 * @dir:	Top directory of the view
 * A complete one needs no copy, and then follows the host's changes.
 */
static void create_hosts(int dir)
{
	size_t len = 0, host_len = 0;
	char *text = NULL, *host;
	struct utsname name;
	bool is_complete;
	FILE *out;

	if (uname(&name) != 0)
		die_errno("can't tell the host's name");
	host = text_read(-1, "/etc/hosts", HOSTS_MAX, &host_len);
	if (!host && errno == EFBIG)
		return;
	if (!host && errno != ENOENT && errno != EACCES)
		die_errno("can't read /etc/hosts");
	out = open_memstream(&text, &len);
	if (!out)
		die_errno("can't compose hosts");
	is_complete = resolver_put_hosts(out, host ? host : "", name.nodename);
	if (fclose(out) != 0)
		die_errno("can't compose hosts");
	if (!is_complete)
		create(dir, "hosts", text, len);
	free(text);
	free(host);
}

/**
 * prepare() - Mount the tmpfs and put our files there
 * @staging:	Where it goes
 * @plan:	The plan
 * @wg_wrap_dir:	For the file "state"
 * @inside:	For the file of that name
 * Returns the tmpfs's open top directory.
 */
static int prepare(const char *staging, const struct plan *plan,
		   const char *wg_wrap_dir, const char *inside)
{
	int dir;

	if (mkdir(staging, 0700) != 0)
		die_errno("can't create %s inside", staging);
	if (mount("wg-wrap", staging, "tmpfs", view_flags | MS_NOEXEC,
		  "mode=0755") != 0)
		die_errno("can't mount %s inside", staging);
	dir = open(staging, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		die_errno("can't open %s inside", staging);

	create_resolv(dir, plan);
	create_switch(dir);
	create_hosts(dir);
	if (mkdirat(dir, ".wg-wrap", 0755) != 0)
		die_errno("can't create %s for the command", ETC_OWN);
	create(dir, ".wg-wrap/inside", inside, strlen(inside));
	create(dir, ".wg-wrap/state", wg_wrap_dir, strlen(wg_wrap_dir));
	sshconfig_copy(dir);
	return dir;
}

/**
 * mount_overlay() - Put an overlay of the tmpfs and /etc on /etc
 * @dir:	The tmpfs's top directory
 * @staging:	Its path
 * Returns 0 or an errno value. The directory is named by being the working
 * directory: in a path, colons and commas would need care.
 */
static int mount_overlay(int dir, const char *staging)
{
	if (fchdir(dir) != 0)
		return errno;
	if (mount("wg-wrap", "/etc", "overlay", view_flags | MS_RDONLY,
		  "lowerdir=.:/etc") != 0)
		return errno;
	if (chdir("/") != 0 || umount2(staging, MNT_DETACH) != 0)
		return errno;
	return 0;
}

/**
 * mount_farm() - Make the tmpfs a farm of links, and move it on /etc
 * @dir:	The tmpfs's top directory
 * @staging:	Its path
 * Returns 0 or an errno value. Only a recursive bind is allowed: what is
 * mounted below /etc must not be uncovered.
 */
static int mount_farm(int dir, const char *staging)
{
	int errnum;

	if (mkdirat(dir, ".wg-wrap/host", 0755) != 0)
		return errno;
	if (fchdir(dir) != 0)
		return errno;
	if (mount("/etc", ".wg-wrap/host", NULL, MS_BIND | MS_REC, NULL) != 0)
		return errno;
	errnum = farm_fill(dir);
	if (errnum != 0)
		return errnum;
	if (chdir("/") != 0)
		return errno;
	if (mount(staging, "/etc", NULL, MS_MOVE, NULL) != 0)
		return errno;
	if (mount(NULL, "/etc", NULL,
		  MS_REMOUNT | MS_BIND | MS_RDONLY | view_flags | MS_NOEXEC,
		  NULL) != 0)
		return errno;
	return 0;
}

/**
 * give_up() - Go on without a view, or not
 * @plan:	Whether the command needs names
 * @staging:	Where the tmpfs is
 * @overlay:	What the overlay failed with
 * @farm:	What the farm failed with
 */
static void give_up(const struct plan *plan, const char *staging, int overlay,
		    int farm)
{
	if (plan->dns == PLAN_DNS_TUNNEL)
		die(STATUS_SETUP,
		    "can't give the command an /etc of its own (overlay: %s; "
		    "links: %s), and names would ask the host's resolver; use "
		    "--dns none",
		    errname(overlay), errname(farm));
	if (chdir("/") != 0 || umount2(staging, MNT_DETACH) != 0)
		die_errno("can't remove %s inside", staging);
	warn("can't give the command an /etc of its own (overlay: %s; links: "
	     "%s); it sees the host's",
	     errname(overlay), errname(farm));
}

/**
 * etc_install() - Put our own /etc over the host's
 * @plan:	The plan
 * @wg_wrap_dir:	Hidden already
 * @inside:	The record for later joins
 * Returns whether there is such a view.
 */
bool etc_install(const struct plan *plan, const char *wg_wrap_dir,
		 const char *inside)
{
	int dir, overlay, farm = 0;
	char staging[PATH_MAX];
	bool has_view;

	if (snprintf(staging, sizeof(staging), "%s/etc", wg_wrap_dir) >=
	    (int)sizeof(staging))
		die(STATUS_SETUP, "%s is too long a path", wg_wrap_dir);
	dir = prepare(staging, plan, wg_wrap_dir, inside);
	overlay = mount_overlay(dir, staging);
	if (overlay != 0)
		farm = mount_farm(dir, staging);
	has_view = overlay == 0 || farm == 0;
	close(dir);
	if (!has_view)
		give_up(plan, staging, overlay, farm);
	if (rmdir(staging) != 0)
		die_errno("can't remove %s inside", staging);
	return has_view;
}
