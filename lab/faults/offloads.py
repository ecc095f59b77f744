"""Switching a network device's offloads: `python -m lab.faults.offloads DEVICE on|off`.

With them, neighbours on one machine hand each other what no cable carries: frames larger than the cable's,
and frames whose checksum is not made yet. It is a command so that it can run in a node's namespace.
"""

import contextlib
import ctypes
import fcntl
import socket
import struct
import sys

_SIOCETHTOOL = 0x8946
# ETHTOOL_STXCSUM, _SSG, _STSO, _SGSO, _SGRO: checksums first when switched on, for the others need them.
_COMMANDS = (0x17, 0x19, 0x1F, 0x24, 0x2C)


def set_offloads(device: str, *, on: bool) -> None:
    """Switch all offloads; what the device has not or holds fixed is left."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for command in _COMMANDS:
            value = bytearray(struct.pack("II", command, int(on)))
            place = (ctypes.c_char * len(value)).from_buffer(value)
            request = struct.pack("16sP", device.encode(), ctypes.addressof(place))
            with contextlib.suppress(OSError):
                fcntl.ioctl(probe, _SIOCETHTOOL, request)


if __name__ == "__main__":
    set_offloads(sys.argv[1], on=sys.argv[2] == "on")
