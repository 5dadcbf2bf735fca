/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cards that are pulled out. The kernel leaves what was mounted from a device that is gone where it is: names that it has in
 * memory can still be listed, everything else is EIO, and a card that comes back gets a new device, which often has the old
 * one's number. Nothing in the mount table tells.
 *
 * A mount whose device is gone is taken off only when those that used it have stopped, for they would go on in the bare
 * directory under it. Until then, and until the device is back, a cover lies on it: an empty read-only tmpfs whose source is
 * LOSS_COVER. So the loss is written down where the kernel shows it, and who writes there meanwhile gets EROFS.
 */
#ifndef EDGEINIT_HOST_LOSS_H
#define EDGEINIT_HOST_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "host/mountinfo.h"

#define LOSS_COVER "edgeinit-device-gone"

struct host;

/* A block device came or went. */
struct device_change {
    bool gone;
    dev_t device;
};

/* A socket that becomes readable when a device comes or goes (kobject uevents, from the kernel itself); not for the many that
 * are no block devices and come with each container. Own it. */
int loss_watch(struct error *err);

/* The filter that loss_watch() puts on its socket: for tests, which have no card to pull. */
int loss_leave_out_others(int fd);

/* The next change of a block device that waits there; false: none (any more). */
bool loss_next(int fd, struct device_change *change);

/* Is this message, of `length` bytes with a NUL behind them, about a block device that came or went? */
bool loss_parse(const char *message, size_t length, struct device_change *change);

/* Is this mount one whose device is gone, or the cover on one? */
bool loss_has_happened(const struct mount_entry *entry);

/* Cover what is mounted at `target`, which lies on a device that is gone. */
int loss_cover(struct host *host, const char *target, struct error *err);

/* Take the cover off, and what it covers, and all else whose device is gone. */
int loss_clear(struct host *host, const char *target, struct error *err);

#endif
