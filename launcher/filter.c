/* SPDX-License-Identifier: MIT */
/*
 * filter.c - system calls that the pin and its children never need
 *
 * A filter is inherited, so that of the pin is also that of the engine, of the
 * child that mends masks and of controllers that resolve names. None of them
 * executes a program of the user's. What Node needs changes with its version,
 * and a list of what is allowed would break with it; so this is a list of what
 * is refused: looking into other processes, loading code into the kernel,
 * changing the machine, and parts of the kernel whose faults have often been a
 * way in. Sockets are those of families that are in use.
 *
 * It is installed when the namespaces are made: the set-up child tells from a
 * filter that is there why it is refused something, and it must not be ours.
 *
 * Calls of another architecture would pass by other numbers, and are refused as
 * if there were none. A kernel without filters does without.
 */
#include "filter.h"

#include "die.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
/* Numbers from here on are those of x32, which is the same architecture. */
#define FOREIGN_NUMBERS 0x40000000U
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#endif

static const unsigned int refused[] = {
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_kcmp,
	SYS_perf_event_open,
	SYS_bpf,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_acct,
	SYS_quotactl,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_adjtimex,
	SYS_clock_adjtime,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_syslog,
	SYS_vhangup,
	SYS_pivot_root,
	SYS_chroot,
	SYS_add_key,
	SYS_request_key,
	SYS_keyctl,
	SYS_open_by_handle_at,
	SYS_fanotify_init,
	SYS_personality,
#ifdef SYS_userfaultfd
	SYS_userfaultfd,
#endif
#ifdef SYS_kexec_file_load
	SYS_kexec_file_load,
#endif
#ifdef SYS_io_uring_setup
	SYS_io_uring_setup,
#endif
#ifdef SYS_pidfd_getfd
	SYS_pidfd_getfd,
#endif
#ifdef SYS_process_madvise
	SYS_process_madvise,
#endif
#ifdef SYS_iopl
	SYS_iopl,
#endif
#ifdef SYS_ioperm
	SYS_ioperm,
#endif
#ifdef SYS_modify_ldt
	SYS_modify_ldt,
#endif
};

static const unsigned int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

enum {
	REFUSED = sizeof(refused) / sizeof(*refused),
	FAMILIES = sizeof(families) / sizeof(*families),
	/* Two for each that is refused or allowed, and the frame. */
	INSTRUCTIONS_MAX = 2 * (REFUSED + FAMILIES) + 16,
};

struct program {
	struct sock_filter code[INSTRUCTIONS_MAX];
	unsigned short length;
};

/**
 * add() - Add an instruction
 * @program:	Program
 * @instruction:	The instruction
 */
static void add(struct program *program, struct sock_filter instruction)
{
	program->code[program->length++] = instruction;
}

/**
 * load() - Have the next instructions look at a part of the call
 * @program:	Program
 * @offset:	Where it is in struct seccomp_data
 */
static void load(struct program *program, size_t offset)
{
	add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						  (unsigned int)offset));
}

/**
 * end_with() - End with a result
 * @program:	Program
 * @result:	SECCOMP_RET_ALLOW, or an errno
 */
static void end_with(struct program *program, unsigned int result)
{
	if (result != SECCOMP_RET_ALLOW)
		result |= SECCOMP_RET_ERRNO;
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, result));
}

/**
 * end_if() - End with a result if what is looked at is a number
 * @program:	Program
 * @number:	The number
 * @result:	SECCOMP_RET_ALLOW, or an errno
 */
static void end_if(struct program *program, unsigned int number,
		   unsigned int result)
{
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						  number, 0, 1));
	end_with(program, result);
}

/**
 * compose() - Write the filter
 * @program:	Gets it
 */
static void compose(struct program *program)
{
	size_t i;

#ifdef NATIVE
	load(program, offsetof(struct seccomp_data, arch));
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						  NATIVE, 1, 0));
	end_with(program, ENOSYS);
#endif
	load(program, offsetof(struct seccomp_data, nr));
#ifdef FOREIGN_NUMBERS
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K,
						  FOREIGN_NUMBERS, 0, 1));
	end_with(program, ENOSYS);
#endif
	for (i = 0; i < REFUSED; i++)
		end_if(program, refused[i], EPERM);
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						  SYS_socket, 1, 0));
	end_with(program, SECCOMP_RET_ALLOW);
	/* The family is an int: the lower half of the first argument. */
	load(program, offsetof(struct seccomp_data, args[0]));
	for (i = 0; i < FAMILIES; i++)
		end_if(program, families[i], SECCOMP_RET_ALLOW);
	end_with(program, EAFNOSUPPORT);
}

/**
 * filter_install() - Refuse those calls from here on, to children as well
 */
void filter_install(void)
{
	struct program program = {.length = 0};
	struct sock_fprog filter = {.filter = program.code};

	compose(&program);
	filter.len = program.length;
	/* Without that only root could. The engine has it anyway. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0)
		die_errno("can't set no_new_privs");
	if (prctl(PR_SET_SECCOMP, (unsigned long)SECCOMP_MODE_FILTER, &filter,
		  0UL, 0UL) != 0 &&
	    errno != EINVAL && errno != ENOSYS)
		die_errno("can't filter the pin's system calls");
}
