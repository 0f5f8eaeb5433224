/* SPDX-License-Identifier: MIT */
/*
 * errname.c - the names of errno values
 *
 * Messages carry the name rather than the sentence of strerror(3): "ENOSPC"
 * can be looked up, while "No space left on device" about a namespace misleads.
 */
#include "errname.h"

#include <errno.h>
#include <stddef.h>

/* clang-format off */
#define NAME(error) { error, #error }

static const struct {
	int value;
	const char *name;
} names[] = {
	NAME(E2BIG), NAME(EACCES), NAME(EADDRINUSE), NAME(EADDRNOTAVAIL),
	NAME(EAFNOSUPPORT), NAME(EAGAIN), NAME(EBADF), NAME(EBADMSG),
	NAME(EBUSY), NAME(ECANCELED), NAME(ECHILD), NAME(ECONNABORTED),
	NAME(ECONNREFUSED), NAME(ECONNRESET), NAME(EDQUOT), NAME(EEXIST),
	NAME(EFAULT), NAME(EFBIG), NAME(EHOSTUNREACH), NAME(EINTR),
	NAME(EINVAL), NAME(EIO), NAME(EISDIR), NAME(ELOOP),
	NAME(EMFILE), NAME(EMLINK), NAME(EMSGSIZE), NAME(ENAMETOOLONG),
	NAME(ENETDOWN), NAME(ENETUNREACH), NAME(ENFILE), NAME(ENOBUFS),
	NAME(ENODATA), NAME(ENODEV), NAME(ENOENT), NAME(ENOEXEC),
	NAME(ENOLCK), NAME(ENOMEM), NAME(ENOPROTOOPT), NAME(ENOSPC),
	NAME(ENOSYS), NAME(ENOTCONN), NAME(ENOTDIR), NAME(ENOTEMPTY),
	NAME(ENOTSOCK), NAME(ENOTTY), NAME(ENXIO), NAME(EOPNOTSUPP),
	NAME(EOVERFLOW), NAME(EPERM), NAME(EPIPE), NAME(EPROTO),
	NAME(EPROTONOSUPPORT), NAME(ERANGE), NAME(EROFS), NAME(ESPIPE),
	NAME(ESRCH), NAME(ESTALE), NAME(ETIMEDOUT), NAME(ETXTBSY),
	NAME(EUSERS), NAME(EXDEV),
};
/* clang-format on */

/**
 * errname() - Name an errno value
 * @errnum:	The value
 * Returns the name as in the headers; a constant.
 */
const char *errname(int errnum)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (names[i].value == errnum)
			return names[i].name;
	}
	return "unknown errno";
}
