/* SPDX-License-Identifier: MIT */
/* errname.h - the names of errno values */
#ifndef WG_WRAP_ERRNAME_H
#define WG_WRAP_ERRNAME_H

/* "ENOENT" and so on; "unknown errno" for a value without a name here. */
const char *errname(int errnum);

#endif
