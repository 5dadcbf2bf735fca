#!/usr/bin/python3 -I
# SPDX-License-Identifier: Apache-2.0
"""hilogd.py LAYOUT FILE — stands in for OpenHarmony's hilogd: takes datagrams at /dev/unix/socket/hilogInput, decodes them by
the layout of 3.1 or of 3.2 and later, refuses what the real one refuses or loses without a word, and writes one line of JSON
for each into FILE. Written from the public description of the protocol; never run against a real libhilog here."""
import json
import os
import socket
import struct
import sys
import time

PATH = "/dev/unix/socket/hilogInput"
QUOTA = 51200  # bytes a second and domain
DOMAINS = {0xD002C00, 0xD002D00, 0xD002F00}  # StartUp, DFX, Security: of the compiled list, as many as are wanted here


def decode(data, layout):
    """(fields, None), or (None, why it is refused)."""
    words = "<HHIIIII" if layout == "3.1" else "<HHIIIIII"
    size = struct.calcsize(words)
    if len(data) < size + 2:
        return None, "shorter than its header"
    length, bits, seconds, nanoseconds, *rest = struct.unpack_from(words, data)
    monotonic = None if layout == "3.1" else rest.pop(0)
    pid, tid, domain = rest
    version, kind, level, tag_length = bits & 7, bits >> 3 & 15, bits >> 7 & 7, bits >> 10 & 63
    if length != len(data):
        return None, f"says {length} bytes, has {len(data)}"
    if version != 0 or kind != 3:
        return None, f"version {version}, type {kind}"
    if not 3 <= level <= 7:
        return None, f"level {level}"
    tag = data[size:size + tag_length]
    text = data[size + tag_length:]
    if not 1 < tag_length <= 32 or tag[-1:] != b"\0" or b"\0" in tag[:-1]:
        return None, f"tag {tag!r}"
    if text[-1:] != b"\0" or b"\0" in text[:-1] or len(text) > 1024:
        return None, f"text of {len(text)} bytes"
    if domain & ~0xFF not in DOMAINS:
        return None, f"domain {domain:#x} is in no list"
    if abs(seconds + nanoseconds / 1e9 - time.time()) > 60:
        return None, "a time that is none"
    return {"level": level, "tag": tag[:-1].decode(), "text": text[:-1].decode(), "domain": f"{domain:x}", "pid": pid,
            "tid": tid, "monotonic": monotonic, "wall": seconds + nanoseconds / 1e9, "size": length}, None


def main():
    layout, name = sys.argv[1:]
    os.makedirs(os.path.dirname(PATH), exist_ok=True)
    if os.path.exists(PATH):
        os.unlink(PATH)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    door.setsockopt(socket.SOL_SOCKET, 33, 1 << 22)  # SO_RCVBUFFORCE
    door.bind(PATH)
    os.chmod(PATH, 0o222)
    spent = {}
    # By the times that the lines bear: a stand-in that gets no processor for a while would take in one second what was said in some.
    with open(name, "a", buffering=1) as out:
        while True:
            data = door.recv(65536)
            line, why = decode(data, layout)
            if line is not None:
                # A second of the real one begins with the first line after the last.
                start, used = spent.get(line["domain"], (0, 0))
                if line["wall"] - start > 1:
                    start, used = line["wall"], 0
                spent[line["domain"]] = (start, used + len(line["text"]))
                if used + len(line["text"]) > QUOTA:
                    line, why = None, f"over the quota of {line['domain']}"
            print(json.dumps(line if line is not None else {"refused": why}, ensure_ascii=False), file=out)


main()
