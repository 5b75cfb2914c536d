/* What a soak says of its own process while it runs, and where it stands if it does not get on. */

#ifndef INTEROP_SOAK_WATCH_H
#define INTEROP_SOAK_WATCH_H

#include <stdint.h>

/* Ends the process where `total` stands still, and says what `doing` noted last of each slot, and where the threads are. */
void start_watchdog(unsigned slots, uint64_t (*total)(void));

/* Whether a sample is due with so many of `connections`: once for each of `samples`. */
int crosses(uint64_t so_far, uint64_t connections, unsigned samples);

/* Prints `WHAT COUNT... RESIDENT HEAP DESCRIPTORS`: kilobytes, bytes, and how many are open. */
void print_sample(const char *what, const unsigned long long *counts, int number);

#endif
