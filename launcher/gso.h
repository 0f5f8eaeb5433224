/* SPDX-License-Identifier: MIT */
/* gso.h - how large super-packets may be */
#ifndef WG_WRAP_GSO_H
#define WG_WRAP_GSO_H

/* What the kernel gives a new device. */
enum { GSO_DEFAULT_BYTES = 65536 };

/* The largest super-packet whose datagrams go out with one call. */
unsigned int gso_max_size(unsigned int mtu);

#endif
