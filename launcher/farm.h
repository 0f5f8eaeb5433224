/* SPDX-License-Identifier: MIT */
/* farm.h - links to the host's /etc, beside our own files */
#ifndef WG_WRAP_FARM_H
#define WG_WRAP_FARM_H

/*
 * Links everything below .wg-wrap/host of the directory that isn't there yet.
 * Returns 0 or an errno value.
 */
int farm_fill(int directory);

#endif
