/* SPDX-License-Identifier: MIT */
/* abstract.h - servers of the host that a network namespace hides */
#ifndef WG_WRAP_ABSTRACT_H
#define WG_WRAP_ABSTRACT_H

#include <stdbool.h>

/*
 * Warns of an X server, and of a session bus if that is wanted, that has only a
 * socket without a path. To be called on the host.
 */
void abstract_warn(bool wants_bus);

#endif
