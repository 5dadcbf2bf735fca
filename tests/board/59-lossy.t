#!/usr/bin/python3 -I
# SPDX-License-Identifier: Apache-2.0
"""The disk of the power cuts (lossy), without a board: what may be lost by a cut, and what must not. A client of our own writes
to it and just goes; then the image is looked at."""
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time

BLOCK, BLOCKS = 4096, 400
READ, WRITE, GOODBYE, FLUSH = 0, 1, 2, 3
FUA = 1
here = os.path.dirname(os.path.abspath(__file__))
results = []


def ok(truth, name, detail=""):
    results.append(bool(truth))
    print(f"{'ok' if truth else 'not ok'} {len(results)} - {name}", flush=True)
    if not truth and detail:
        print(f"# {detail}", file=sys.stderr)


def content(number, version):
    """Of a block: no sector like another one, and none like that of another version."""
    return b"".join(struct.pack(">4I", number, version, sector, 7) * 32 for sector in range(8))


class Client:
    """One connection to a lossy disk whose blocks are of version 0."""

    def __init__(self, directory, seed):
        self.image = os.path.join(directory, "image")
        address = os.path.join(directory, "socket")
        with open(self.image, "wb") as file:
            for number in range(BLOCKS):
                file.write(content(number, 0))
        self.server = subprocess.Popen([os.path.join(here, "lossy"), self.image, address, str(seed)])
        while not os.path.exists(address):
            if self.server.poll() is not None:
                sys.exit("lossy did not start")
            time.sleep(0.01)
        self.link = socket.socket(socket.AF_UNIX)
        self.link.connect(address)
        self.receive(18)
        self.link.sendall(struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">IIIH", 7, 6, 0, 0))
        magic, _, kind, length = struct.unpack(">QIII", self.receive(20))
        assert magic == 0x3E889045565A9 and kind == 3
        self.size = struct.unpack(">HQH", self.receive(length))[1]
        self.receive(20)

    def receive(self, length):
        data = b""
        while len(data) < length:
            part = self.link.recv(length - len(data))
            assert part, "lossy hung up"
            data += part
        return data

    def ask(self, kind, offset=0, length=0, data=b"", flags=0):
        self.link.sendall(struct.pack(">IHHQQI", 0x25609513, flags, kind, 1, offset, length or len(data)) + data)
        if kind != GOODBYE:
            assert struct.unpack(">IIQ", self.receive(16))[1] == 0
        return self.receive(length) if kind == READ else b""

    def write(self, version, numbers, flags=0):
        for number in numbers:
            self.ask(WRITE, number * BLOCK, data=content(number, version), flags=flags)

    def gone(self):
        """The image's blocks, after the connection has ended; and lossy's own count."""
        self.link.close()
        self.server.wait()
        with open(self.image + ".cut", encoding="ascii") as file:
            words = file.read().split()
        with open(self.image, "rb") as file:
            return [file.read(BLOCK) for _ in range(BLOCKS)], int(words[0]), int(words[4])


def version_of(number, block):
    """Which version the whole block is of, or None."""
    return next((version for version in range(4) if block == content(number, version)), None)


with tempfile.TemporaryDirectory() as directory:
    client = Client(directory, 1)
    ok(client.size == BLOCK * BLOCKS, "the client sees the image")
    client.write(1, range(100, 200))
    client.ask(FLUSH)
    client.write(1, range(200, 300), FUA)
    client.write(2, range(100, 150))
    client.write(3, range(100, 150))
    client.write(1, range(300, 400))
    ok(client.ask(READ, 299 * BLOCK + 512, BLOCK) == (content(299, 1) + content(300, 1))[512:512 + BLOCK],
       "what is only in the cache is read, across blocks")
    blocks, waiting, lost = client.gone()
    versions = [version_of(number, block) for number, block in enumerate(blocks)]
    ok(None not in versions, "after a cut each block is whole, of one write", f"torn: {versions.count(None)}")
    ok(set(versions[:100]) == {0}, "what was not written is as it was")
    ok(set(versions[150:200]) == {1}, "what was flushed is there")
    ok(set(versions[200:300]) == {1}, "what was written with FUA is there")
    ok(set(versions[300:]) == {0, 1}, "of what was not flushed some is lost, and some is there")
    ok(set(versions[100:150]) == {1, 2, 3}, "what was flushed and written twice since is of any of the three", str(versions[100:150]))
    missing = versions[300:].count(0) + sum(version != 3 for version in versions[100:150])
    ok((waiting, lost) == (150, missing), "and that is counted", f"{waiting} {lost} {missing}")

with tempfile.TemporaryDirectory() as directory:
    client = Client(directory, 2)
    for number in range(BLOCKS):
        # The two sectors in the middle, as ext4 writes its superblock of 1024 bytes.
        client.ask(WRITE, number * BLOCK + 1024, data=content(number, 1)[1024:2048])
    blocks, waiting, lost = client.gone()
    new = [content(number, 0)[:1024] + content(number, 1)[1024:2048] + content(number, 0)[2048:] for number in range(BLOCKS)]
    kept = sum(block == new[number] for number, block in enumerate(blocks))
    old = sum(block == content(number, 0) for number, block in enumerate(blocks))
    ok(kept + old == BLOCKS and waiting == BLOCKS and lost == old, "two sectors of a block go together", f"{kept} {old} {waiting} {lost}")
    ok(BLOCKS / 4 < kept < BLOCKS * 3 / 4, f"about half of them are lost ({old} of {BLOCKS})")

with tempfile.TemporaryDirectory() as directory:
    client = Client(directory, 3)
    client.write(1, range(BLOCKS))
    client.ask(GOODBYE)
    blocks, waiting, lost = client.gone()
    ok(all(version_of(number, block) == 1 for number, block in enumerate(blocks)) and lost == 0, "with a goodbye nothing is lost")

print(f"1..{len(results)}")
sys.exit(not all(results))
