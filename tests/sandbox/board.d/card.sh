# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The SD card: a sparse image on the board's own tmpfs behind a loop device.

CARD_LABEL=edgecard
CARD_UUID=ed9eca2d-0000-4000-8000-0000ed9eca2d
card_number=''

card_choose_type()
{
    [[ $BOARD_CARD_TYPE == auto ]] || return 0
    if grep -qw f2fs /proc/filesystems || modprobe -q f2fs 2>/dev/null; then
        BOARD_CARD_TYPE=f2fs
    else
        BOARD_CARD_TYPE=ext4
        say "this kernel has no f2fs: the card is ext4"
    fi
}

card_format()
{
    case $BOARD_CARD_TYPE in
    f2fs) mkfs.f2fs -q -f -l "$CARD_LABEL" -U "$CARD_UUID" "$1" >/dev/null ;;
    ext4) mkfs.ext4 -q -F -L "$CARD_LABEL" -U "$CARD_UUID" -E lazy_itable_init=1,lazy_journal_init=1,nodiscard "$1" ;;
    esac || die "cannot make $BOARD_CARD_TYPE on a card of $BOARD_CARD_SIZE"
}

# card_attach DIRECTORY: image there, loop device, its number in card_number
card_attach()
{
    local image=$1/$BOARD_NAME.img device
    card_choose_type
    truncate -s "$BOARD_CARD_SIZE" "$image" && card_format "$image"
    # Without the module there is no /dev/loop-control; if it cannot be loaded, losetup says what is wrong.
    [[ -e /dev/loop-control ]] || modprobe -q loop || true
    device=$(losetup --find --show "$image") || die "no loop device for the card; --card none goes without"
    # Detaching a device that is open only marks it: it goes when its last user, this descriptor or a mount, goes.
    exec {BOARD_CARD_FD}<"$device"
    losetup --detach "$device"
    card_number=$(<"/sys/block/${device##*/}/dev")
    export BOARD_CARD_FD BOARD_CARD_TYPE BOARD_CARD_NUMBER=$card_number
}

# card_node DIRECTORY: the device node below the board's /dev, at once or late
card_node()
{
    local node=$1/block/mmcblk0p1 number=${BOARD_CARD_NUMBER/:/ }
    [[ $BOARD_CARD_LATE ]] && sleep "$BOARD_CARD_LATE"
    # shellcheck disable=SC2086 # major and minor
    mknod -m 0600 "$node" b $number
}
