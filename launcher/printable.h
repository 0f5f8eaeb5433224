/* SPDX-License-Identifier: MIT */
/* printable.h - text that is safe to show */
#ifndef WG_WRAP_PRINTABLE_H
#define WG_WRAP_PRINTABLE_H

/* Replaces in place what a terminal would act on. */
void printable_clean(char *text);

#endif
