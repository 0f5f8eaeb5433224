/* SPDX-License-Identifier: MIT */
/* down.h - wg-wrap down: ending tunnels */
#ifndef WG_WRAP_DOWN_H
#define WG_WRAP_DOWN_H

#include "instance.h"
#include "record.h"

#include <stdbool.h>

struct arguments;

_Noreturn void down_main(const struct arguments *arguments);

/*
 * Ends the tunnel of a held instance, whoever uses it, and waits until it is
 * gone. The lock stays held. Returns whether the tunnel was kept by `up`.
 */
bool down_end(struct instance *instance, const struct record *record);

#endif
