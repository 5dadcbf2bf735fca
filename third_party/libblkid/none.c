/* SPDX-License-Identifier: Apache-2.0 */
/* In the place of libblkid's directories partitions and topology: nobody asks for these, and these two are always off. */
#include "blkidP.h"

const struct blkid_chaindrv topology_drv = {.id = BLKID_CHAIN_TOPLGY, .name = "topology"};
const struct blkid_chaindrv partitions_drv = {.id = BLKID_CHAIN_PARTS, .name = "partitions"};

/*
 * Asked by linux_raid.c, which writes nothing at the start of a device: whether what it has found at the end of a disk is that
 * of the last partition. So such a whole disk passes for a member of a RAID here; its partitions are right.
 */
int blkid_probe_is_covered_by_pt(blkid_probe pr, uint64_t offset, uint64_t size)
{
    (void)pr;
    (void)offset;
    (void)size;
    return 0;
}
