"""A relay in a node's cable that hands every frame on after a delay, for kernels without netem.

The cable's end is taken off the bridge; a TAP device takes its place there, and this process carries frames
between the two.
"""

import contextlib
import fcntl
import os
import selectors
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from lab.commands import run
from lab.faults.offloads import set_offloads
from lab.nodes.layout import BRIDGE, Node

TAP = "lab-slow"
LARGEST_FRAME = 65_550
MOST_WAITING = 100_000  # frames; more are dropped, as a full cable drops them
_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_NO_PI = 0x0002, 0x1000
_ETH_P_ALL = 0x0003
_PACKET_OUTGOING = 4


@contextlib.contextmanager
def relayed(node: Node, seconds: float) -> Iterator[None]:
    """Delay frames on a node's cable, in both directions, while the block lasts."""
    with _tap() as tap, _off_the_bridge(node), _as_on_a_cable(node):
        cable = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        relay = _Relay(tap, cable, seconds)
        try:
            cable.bind((node.link, 0))
            relay.start()
            yield
        finally:
            relay.stop()
            cable.close()


@contextlib.contextmanager
def _tap() -> Iterator[int]:
    """Put a TAP device on the bridge; gives the descriptor that its frames are read from and written to."""
    tap = os.open("/dev/net/tun", os.O_RDWR)
    try:
        fcntl.ioctl(tap, _TUNSETIFF, struct.pack("16sH14x", TAP.encode(), _IFF_TAP | _IFF_NO_PI))
        Path(f"/proc/sys/net/ipv6/conf/{TAP}/disable_ipv6").write_text("1")
        run(["ip", "link", "set", TAP, "up", "master", BRIDGE])
        yield tap
    finally:
        os.close(tap)


@contextlib.contextmanager
def _off_the_bridge(node: Node) -> Iterator[None]:
    # Off the bridge, this machine would answer on the cable for its own addresses: it must keep silent there.
    silent = Path(f"/proc/sys/net/ipv4/conf/{node.link}/arp_ignore")
    run(["ip", "link", "set", node.link, "nomaster", "promisc", "on"])
    silent.write_text("8")
    try:
        yield
    finally:
        silent.write_text("0")
        run(["ip", "link", "set", node.link, "master", BRIDGE, "promisc", "off"])


@contextlib.contextmanager
def _as_on_a_cable(node: Node) -> Iterator[None]:
    root = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    inside = node.inside(sys.executable, "-m", "lab.faults.offloads", "eth0")
    set_offloads(node.link, on=False)
    run([*inside, "off"], env=root)
    try:
        yield
    finally:
        set_offloads(node.link, on=True)
        run([*inside, "on"], env=root)


class _Relay(threading.Thread):
    def __init__(self, tap: int, cable: socket.socket, seconds: float) -> None:
        super().__init__(name="lab-relay", daemon=True)
        self._tap, self._cable, self._delay = tap, cable, seconds
        self._waiting: deque[tuple[float, bool, bytes]] = deque(maxlen=MOST_WAITING)
        self._ended = threading.Event()

    def run(self) -> None:
        os.set_blocking(self._tap, False)
        self._cable.setblocking(False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._tap, selectors.EVENT_READ)
            selector.register(self._cable, selectors.EVENT_READ)
            while not self._ended.is_set():
                selector.select(self._pause())
                self._take()
                self._hand_on()

    def stop(self) -> None:
        self._ended.set()
        if self.is_alive():
            self.join(5)

    def _pause(self) -> float:
        return max(0.0, min(self._waiting[0][0] - time.monotonic(), 0.1)) if self._waiting else 0.1

    def _take(self) -> None:
        due = time.monotonic() + self._delay
        with contextlib.suppress(BlockingIOError):
            while True:
                self._waiting.append((due, False, os.read(self._tap, LARGEST_FRAME)))
        with contextlib.suppress(BlockingIOError):
            while True:
                frame, origin = self._cable.recvfrom(LARGEST_FRAME)
                if origin[2] != _PACKET_OUTGOING:
                    self._waiting.append((due, True, frame))

    def _hand_on(self) -> None:
        now = time.monotonic()
        while self._waiting and self._waiting[0][0] <= now:
            _, to_bridge, frame = self._waiting.popleft()
            with contextlib.suppress(OSError):
                if to_bridge:
                    os.write(self._tap, frame)
                else:
                    self._cable.send(frame)
