#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A daemon at /dev/edgeinit/control.sock that does not what edgeinit's does; every question is printed.

    answer FILE   the JSON of FILE on one line, always the same
    large         a status of 300 kB        refuse    a refusal         nonsense   no JSON
    endless       a line that never ends    silent    no answer         full       takes no connection
"""
import json
import os
import socket
import sys
import time

PATH = "/dev/edgeinit/control.sock"

mode = sys.argv[1]
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(PATH + ".fake")
server.listen(0 if mode == "full" else 8)
if mode == "full":
    others = []
    while True:
        other = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        other.setblocking(False)
        if other.connect_ex(PATH + ".fake") != 0:
            break
        others.append(other)
os.rename(PATH + ".fake", PATH)
if mode == "full":
    time.sleep(1000)

if mode == "answer":
    answer = json.dumps(json.load(open(sys.argv[2], encoding="utf-8"))) + "\n"
elif mode == "large":
    services = [{"name": f"s{i}", "state": "ready", "since_ms": 1, "restarts": 0, "reason": "x" * 250} for i in range(1000)]
    answer = json.dumps({"ok": True, "resources": [], "services": services, "daemon": {"pid": 1, "uptime_ms": 1}}) + "\n"
else:
    answer = {"refuse": '{"ok":false,"error":"the board is upside down"}\n', "nonsense": "{status}\n",
              "endless": "x" * 65536, "silent": ""}[mode]

clients = []
while True:
    client = server.accept()[0]
    print(client.recv(4096).decode(), flush=True)
    try:
        client.sendall(answer.encode())
        while mode == "endless":
            client.sendall(answer.encode())
    except OSError:
        pass
    if mode == "silent":
        clients.append(client)
    else:
        client.close()
