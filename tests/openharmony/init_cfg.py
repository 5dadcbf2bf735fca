# SPDX-License-Identifier: Apache-2.0
"""What OpenHarmony's init makes of a .cfg file, and refuses of it, release by release.

init swallows most mistakes: a service with a wrong type is absent without a word, an unknown command does nothing, a
surplus argument is dropped. Here each of them is a problem with its place and what init would do. The rules were read from
startup_init of the releases named in RELEASES (parsers of services, jobs, sockets and files, tables of commands); no line of
it is copied. Stricter than init on purpose: keys that init ignores, values that it replaces, and everything that depends on
luck are problems too.

    problems(text, release) -> list of "place: what is wrong"
"""
import json
import re

RELEASES = ["3.1", "3.2", "4.0", "4.1", "5.0", "5.1", "6.0"]

LARGEST_FILE = 102400
MOST_SERVICES = 100
MOST_COMMANDS = 200
LONGEST_COMMAND = 256

# Kinds of values, and the first release that knows the key. None: never, in what we ship.
SERVICE_KEYS = {
    "name": ("string", "3.1"), "path": ("arguments", "3.1"), "uid": ("account", "3.1"), "gid": ("groups", "3.1"),
    "once": ("flag", "3.1"), "importance": ("importance", "3.1"), "caps": ("caps", "3.1"), "disabled": ("flag", "3.1"),
    "writepid": ("strings", "3.1"), "critical": ("critical", "3.1"), "socket": ("sockets", "3.1"),
    "console": ("console", "3.1"), "file": ("files", "3.1"), "ondemand": ("ondemand", "3.1"),
    "d-caps": ("strings", "3.1"), "apl": ("apl", "3.1"), "jobs": ("jobs", "3.1"), "start-mode": ("start-mode", "3.1"),
    "end-mode": ("end-mode", "3.1"), "cpucore": ("cores", "3.1"), "secon": ("context", "3.1"),
    "onrestart": ("commands", "3.2"), "sandbox": ("sandbox", "3.2"), "permission": ("strings", "3.2"),
    "permission_acls": ("strings", "3.2"), "bootevents": ("bootevents", "3.2"), "env": ("environment", "5.0"),
    "period": ("seconds", "5.0"), "setuid": ("boolean", "5.1"), "cgroup": ("boolean", "5.1"),
    "kernel_permission": ("object", "6.0"),
}
SERVICE_JOBS = {"on-start": "3.1", "on-stop": "3.1", "on-restart": "3.1", "pre-start": "5.0"}

# Commands: least and most arguments, the first release. In 3.1 `write` takes two words only.
COMMANDS = {
    "start": (1, 1, "3.1"), "stop": (1, 1, "3.1"), "reset": (1, 1, "3.1"), "mkdir": (1, 4, "3.1"),
    "chmod": (2, 2, "3.1"), "chown": (3, 3, "3.1"), "mount": (1, 10, "3.1"), "umount": (1, 1, "3.1"),
    "export": (2, 2, "3.1"), "rm": (1, 1, "3.1"), "rmdir": (1, 1, "3.1"), "write": (2, 10, "3.1"),
    "copy": (2, 2, "3.1"), "symlink": (2, 2, "3.1"), "sleep": (1, 1, "3.1"), "wait": (1, 2, "3.1"),
    "exec": (1, 10, "3.1"), "syncexec": (1, 10, "3.2"), "setparam": (2, 2, "3.1"), "trigger": (1, 1, "3.1"),
    "setrlimit": (3, 3, "3.1"), "hostname": (1, 1, "3.1"), "domainname": (1, 1, "3.1"), "ifup": (1, 1, "3.1"),
    "insmod": (1, 10, "3.1"), "mknode": (5, 5, "3.1"), "makedev": (2, 2, "3.1"), "restorecon": (1, 1, "3.1"),
    "load_param": (1, 2, "3.1"), "sync": (0, 1, "3.1"), "termservice": (1, 1, "6.0"),
}

# Accounts that the image has in every release (services/etc/passwd and group).
ACCOUNTS = {"root", "bin", "system", "radio", "bluetooth", "graphics", "samgr", "file_manager", "log", "user_data_rw", "dfs",
            "wifi", "media", "dhcp", "vpn", "keystore", "usb", "logd", "audio", "shell", "cache", "readproc", "access_token",
            "misc", "app", "appspawn"}

CAPABILITIES = """CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
    NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT
    SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP
    MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ""".split()

BOOT_TRIGGERS = {"pre-init", "boot", "early-init", "init", "late-init", "post-init", "fs", "early-fs", "post-fs", "late-fs",
                 "early-boot", "post-fs-data", "reboot", "suspend"}
MOUNT_FLAGS = {"noatime", "noexec", "nosuid", "nodev", "nodiratime", "ro", "rdonly", "rw", "sync", "remount", "bind", "rec",
               "unbindable", "private", "slave", "shared", "defaults", "wait"}


class File:
    """One file on one release; collects problems."""

    def __init__(self, release):
        self.release = release
        self.found = []
        self.jobs = set()
        self.wanted_jobs = []
        self.services = set()
        self.started = []

    def since(self, release):
        return RELEASES.index(self.release) >= RELEASES.index(release)

    def bad(self, place, what):
        self.found.append(f"{place}: {what}")

    # ---- commands ----

    def command(self, place, text):
        if not isinstance(text, str):
            return self.bad(place, "a command is a string; init leaves the rest out")
        if text != text.strip() or "\t" in text or "  " in text:
            return self.bad(place, "one space between words, and no other white space: init takes the word and the space")
        if len(text) > LONGEST_COMMAND:
            return self.bad(place, f"longer than {LONGEST_COMMAND} characters")
        if text.startswith("#"):
            return self.bad(place, "a comment: init skips it, and so may a reader")
        word, *rest = text.split(" ")
        row = COMMANDS.get(word)
        if row is None:
            return self.bad(place, f'"{word}" is no command: init takes it for a plug-in, and does nothing')
        least, most, first = row
        if not self.since(first):
            return self.bad(place, f'"{word}" is there from {first} on: before, init does nothing')
        if word == "write" and not self.since("3.2"):
            most = 2
        if word == "restorecon" and self.since("4.0"):
            most = 2
        if not least <= len(rest) <= most:
            return self.bad(place, f'"{word}" takes {least} to {most} words, here are {len(rest)}: '
                                   + ("init drops what is too much" if len(rest) > most else "init refuses it when it runs"))
        check = getattr(self, "command_" + word, None)
        return check(place, rest) if check else None

    def command_start(self, place, words):
        self.started.append((place, words[0]))

    def command_mkdir(self, place, words):
        if len(words) == 3:
            self.bad(place, '"mkdir" takes 1, 2 or 4 words: path, mode, owner and group')
        self.absolute(place, words[0])
        if len(words) > 1 and not re.fullmatch(r"0?[0-7]{3,4}", words[1]):
            self.bad(place, f'"{words[1]}" is no mode in octal')
        for name in words[2:]:
            self.account_name(place, name)

    def command_chmod(self, place, words):
        if not re.fullmatch(r"0?[0-7]{3,4}", words[0]):
            self.bad(place, f'"{words[0]}" is no mode in octal: first the mode, then the path')
        self.absolute(place, words[1])

    def command_chown(self, place, words):
        for name in words[:2]:
            self.account_name(place, name)
        self.absolute(place, words[2])

    def command_sleep(self, place, words):
        if not words[0].isdigit() or int(words[0]) > 5:
            self.bad(place, "at most 5 seconds")

    def command_exec(self, place, words):
        self.absolute(place, words[0])

    command_syncexec = command_exec

    def command_mount(self, place, words):
        if len(words) < 3:
            return self.bad(place, '"mount" takes type, source, target, then flags, then one word of options')
        self.absolute(place, words[2])
        flags = words[3:]
        for i, word in enumerate(flags):
            if word in MOUNT_FLAGS:
                continue
            if i != len(flags) - 1:
                self.bad(place, f'"{word}" is no flag: init takes it and all after it for options, joined by spaces')
            for flag in MOUNT_FLAGS:
                if word.startswith(flag):
                    self.bad(place, f'"{word}" begins with "{flag}": init takes it for that flag')
            break
        return None

    def command_setparam(self, place, words):
        name, value = words
        if len(name) >= 96 or not re.fullmatch(r"[A-Za-z0-9_@:-]+(\.[A-Za-z0-9_@:-]+)*", name):
            self.bad(place, f'"{name}" is no name of a parameter')
        if len(value) >= 96 and not name.startswith("const."):
            self.bad(place, "a parameter's value has fewer than 96 characters")

    # ---- small values ----

    def absolute(self, place, path):
        if not path.startswith("/"):
            self.bad(place, f'"{path}" is no absolute path')

    def account_name(self, place, name):
        if not name.isdigit() and name not in ACCOUNTS:
            self.bad(place, f'"{name}" is no account of the image: init refuses the service, or leaves the owner')

    def check(self, kind, place, value):
        getattr(self, "is_" + kind.replace("-", "_"))(place, value)

    def typed(self, place, value, kind, word):
        good = isinstance(value, kind) and not (kind is not bool and isinstance(value, bool))
        if not good:
            self.bad(place, f"must be {word}: init refuses the service")
        return good

    def is_string(self, place, value):
        if self.typed(place, value, str, "a string") and value == "":
            self.bad(place, "is empty")

    def is_object(self, place, value):
        self.typed(place, value, dict, "an object")

    def is_boolean(self, place, value):
        self.typed(place, value, bool, "true or false")

    def is_flag(self, place, value):
        if self.typed(place, value, int, "a number") and value not in (0, 1):
            self.bad(place, "is 0 or 1: init takes everything but 1 for 0")

    def is_console(self, place, value):
        most = 2 if self.since("5.1") else 1
        if self.typed(place, value, int, "a number") and not 0 <= value <= most:
            self.bad(place, f"is 0 to {most} here")

    def is_seconds(self, place, value):
        if self.typed(place, value, int, "a number") and value <= 0:
            self.bad(place, "is a number of seconds above 0")

    def is_sandbox(self, place, value):
        if self.typed(place, value, int, "a number (0)") and value != 0:
            self.bad(place, "is 0 for a service that mounts: else its mounts are seen by nobody else")

    def is_importance(self, place, value):
        if self.typed(place, value, int, "a number") and not -20 <= value <= 19:
            self.bad(place, "is -20 to 19: init refuses the service")

    def is_strings(self, place, value):
        if self.typed(place, value, list, "an array of strings"):
            if not 0 < len(value) < 100:
                self.bad(place, "has 1 to 99 elements")
            for item in value:
                if self.typed(place, item, str, "an array of strings") and len(item) > 200:
                    self.bad(place, "no element is longer than 200 characters")

    def is_arguments(self, place, value):
        if not self.typed(place, value, list, "an array of strings"):
            return
        if not 0 < len(value) < 20:
            self.bad(place, "has 1 to 19 elements: init refuses the service")
        for item in value:
            if self.typed(place, item, str, "an array of strings") and len(item) > 200:
                self.bad(place, "no element is longer than 200 characters: init refuses the service")
        if value and isinstance(value[0], str):
            self.absolute(place, value[0])
            if not re.match(r"/(system|vendor)/bin/", value[0]):
                self.bad(place, "a program of a service stands below /system/bin or /vendor/bin: nothing else may be an "
                                "entry of a domain")

    def is_account(self, place, value):
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            self.bad(place, "is a name or a number")
        elif isinstance(value, str):
            self.account_name(place, value)

    def is_groups(self, place, value):
        items = value if isinstance(value, list) else [value]
        if not items:
            self.bad(place, "is empty: init refuses the service")
        for item in items:
            self.is_account(place, item)

    def is_caps(self, place, value):
        if not self.typed(place, value, list, "an array"):
            return
        if len(value) > 100:
            self.bad(place, "has at most 100 elements")
        for item in value:
            if isinstance(item, str) and item.removeprefix("CAP_") not in CAPABILITIES:
                self.bad(place, f'"{item}" is not in init\'s table: it leaves it out without a word')

    def is_critical(self, place, value):
        if isinstance(value, int) and not isinstance(value, bool):
            value = [value]
        if not isinstance(value, list) or len(value) not in (1, 3) or \
                any(not isinstance(v, int) or isinstance(v, bool) for v in value):
            return self.bad(place, "is [0, deaths, seconds]: init refuses the service")
        if value[0] != 0:
            self.bad(place, "reboots the board when the service dies too often: write [0, deaths, seconds]")
        if len(value) == 3 and (value[1] <= 0 or value[2] <= 0):
            self.bad(place, "deaths and seconds are above 0: init refuses the service")
        return None

    def is_ondemand(self, place, value):
        if self.typed(place, value, bool, "true or false") and value is False and not self.since("3.2"):
            self.bad(place, "false means true on 3.1: leave the key out")

    def is_apl(self, place, value):
        if value not in ("normal", "system_basic", "system_core"):
            self.bad(place, "is normal, system_basic or system_core")

    def is_start_mode(self, place, value):
        if value not in ("condition", "boot", "normal"):
            self.bad(place, 'is condition, boot or normal: init takes everything else for "normal"')

    def is_end_mode(self, place, value):
        self.bad(place, "is stored, and used by nothing")

    def is_cores(self, place, value):
        if self.typed(place, value, list, "an array of numbers"):
            for item in value:
                self.typed(place, item, int, "an array of numbers")

    def is_context(self, place, value):
        if not isinstance(value, str) or not re.fullmatch(r"u:r:[a-z0-9_]+:s0", value) or len(value) > 256:
            self.bad(place, 'is a context like "u:r:edgeinit:s0": with another the child ends before it has begun')

    def is_commands(self, place, value):
        if self.typed(place, value, list, "an array of commands"):
            for i, item in enumerate(value):
                self.command(f"{place}[{i}]", item)

    def is_bootevents(self, place, value):
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, str) or not item.startswith("bootevent."):
                self.bad(place, 'begins with "bootevent."')

    def is_environment(self, place, value):
        if not self.typed(place, value, list, "an array of objects"):
            return
        for item in value:
            if not isinstance(item, dict) or set(item) != {"name", "value"}:
                self.bad(place, "each element has a name and a value")
            elif len(str(item["name"])) >= 64 or len(str(item["value"])) >= 128:
                self.bad(place, "a name of 64 or a value of 128 characters overflows init's buffer")

    def is_jobs(self, place, value):
        if not self.typed(place, value, dict, "an object"):
            return
        for key, name in value.items():
            first = SERVICE_JOBS.get(key)
            if first is None:
                self.bad(f"{place}.{key}", "is no moment in a service's life that init knows")
            elif not self.since(first):
                self.bad(f"{place}.{key}", f"is there from {first} on")
            if self.typed(f"{place}.{key}", name, str, "the name of a job"):
                self.wanted_jobs.append((f"{place}.{key}", name))

    def is_sockets(self, place, value):
        if not self.typed(place, value, list, "an array of objects"):
            return
        for item in value:
            missing = {"name", "family", "type", "protocol", "permissions", "uid", "gid"} - set(item)
            if missing:
                self.bad(place, f"lacks {', '.join(sorted(missing))}: init drops all sockets of the service")
                continue
            if len(item["name"]) > 32:
                self.bad(place, "a socket's name has at most 32 characters")
            if item["family"] not in ("AF_UNIX", "AF_NETLINK"):
                self.bad(place, "family is AF_UNIX or AF_NETLINK")
            if item["type"] not in ("SOCK_SEQPACKET", "SOCK_STREAM", "SOCK_DGRAM"):
                self.bad(place, "type is SOCK_SEQPACKET, SOCK_STREAM or SOCK_DGRAM")
            if not isinstance(item["permissions"], str) or not re.fullmatch(r"0[0-7]{3}", item["permissions"]):
                self.bad(place, 'permissions are octal, as a string: "0660"')
            for key in ("uid", "gid"):
                self.is_account(place, item[key])
                if not isinstance(item[key], str):
                    self.bad(place, f"{key} of a socket is a string")

    def is_files(self, place, value):
        if not self.typed(place, value, list, "an array of strings"):
            return
        for item in value:
            words = item.split(" ") if isinstance(item, str) else []
            if len(words) != 5 or words[1] not in ("rd", "wd", "rw") or not re.fullmatch(r"0[0-7]{3}", words[2]):
                self.bad(place, '"path rd|wd|rw mode uid gid": init drops all files of the service')

    # ---- the parts of a file ----

    def service(self, place, service):
        if not isinstance(service, dict):
            return self.bad(place, "is no object")
        name = service.get("name")
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_.-]{1,31}", name):
            self.bad(f"{place}.name", "is a string of 1 to 31 letters: init leaves the service out")
        elif name in self.services:
            self.bad(f"{place}.name", f'"{name}" is there already')
        else:
            self.services.add(name)
        if "path" not in service:
            self.bad(f"{place}.path", "is missing: init leaves the service out")
        for key, value in service.items():
            row = SERVICE_KEYS.get(key)
            if row is None:
                known = [k for k in SERVICE_KEYS if k.lower() == key.lower()]
                hint = f"; write {known[0]}" if known else ""
                self.bad(f"{place}.{key}", f"is no key of a service{hint}")
            elif not self.since(row[1]):
                self.bad(f"{place}.{key}", f"is there from {row[1]} on; 3.1 leaves a service out that has a key it does not know"
                         if self.release == "3.1" else f"is there from {row[1]} on")
            else:
                self.check(row[0], f"{place}.{key}", value)
        if self.since("3.2"):
            if "sandbox" not in service and not is_ability(service):
                self.bad(f"{place}.sandbox", "is missing: without 0 the service's mounts are seen by nobody else")
            if "secon" not in service:
                self.bad(f"{place}.secon", "is missing: the service would run as limit_domain, which may read no file")
        if service.get("ondemand") is True and "critical" in service:
            self.bad(f"{place}.critical", "excludes ondemand: init refuses the service")
        if service.get("disabled") == 1 and service.get("start-mode") != "condition":
            self.bad(f"{place}.disabled", 'does not keep a service from starting: write "start-mode": "condition"')
        return None

    def job(self, place, job):
        if not isinstance(job, dict):
            return self.bad(place, "is no object")
        name = job.get("name")
        if not isinstance(name, str) or not 0 < len(name) < 64:
            self.bad(f"{place}.name", "is a string of 1 to 63 characters")
        else:
            self.jobs.add(name)
            if name.startswith("param:") and not isinstance(job.get("condition"), str):
                self.bad(f"{place}.condition", "is missing: a job of a parameter is never run without it")
        for key in job:
            if key not in ("name", "cmds", "condition"):
                self.bad(f"{place}.{key}", "is no key of a job")
        commands = job.get("cmds")
        if not isinstance(commands, list) or not commands:
            return self.bad(f"{place}.cmds", "is an array with at least one command")
        if len(commands) > MOST_COMMANDS:
            self.bad(f"{place}.cmds", f"has at most {MOST_COMMANDS} commands")
        for i, text in enumerate(commands):
            self.command(f"{place}.cmds[{i}]", text)
        return None

    def whole(self, root):
        for key in root:
            if key not in ("import", "jobs", "services"):
                self.bad(key, "is no key of a .cfg file")
        for key, each in (("services", self.service), ("jobs", self.job)):
            part = root.get(key, [])
            if not isinstance(part, list):
                self.bad(key, "is an array")
                continue
            for i, item in enumerate(part):
                each(f"{key}[{i}]", item)
        if isinstance(root.get("services"), list) and len(root["services"]) > MOST_SERVICES:
            self.bad("services", f"has at most {MOST_SERVICES} services")
        for i, item in enumerate(root.get("import", []) if isinstance(root.get("import", []), list) else [None]):
            if not isinstance(item, str) or not item.startswith("/"):
                self.bad(f"import[{i}]", "is an absolute path")
        for place, name in self.wanted_jobs:
            if name not in self.jobs:
                self.bad(place, f'there is no job "{name}" in this file')
        for name in sorted(self.jobs - BOOT_TRIGGERS - {name for _, name in self.wanted_jobs}):
            if not name.startswith(("param:", "boot-service:")):
                self.bad(f'job "{name}"', "is run by nobody")
        for place, name in self.started:
            if name not in self.services:
                self.bad(place, f'there is no service "{name}" in this file')
        started = {name for _, name in self.started}
        for i, service in enumerate(root.get("services", []) if isinstance(root.get("services"), list) else []):
            if isinstance(service, dict) and service.get("start-mode") == "condition" and \
                    service.get("name") not in started and service.get("ondemand") is not True:
                self.bad(f"services[{i}].start-mode", "condition, but no job starts it")


def is_ability(service):
    """A system ability: it mounts nothing, and is well kept in init's sandbox, which has all of /dev."""
    path = service.get("path")
    return isinstance(path, list) and path[:1] == ["/system/bin/sa_main"]


def twice(pairs):
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f'"{key}" is there twice')
    return dict(pairs)


def problems(text, release):
    """Every problem that this release of init would have with a .cfg file, or would hide."""
    found = File(release)
    if len(text.encode()) > LARGEST_FILE:
        return [f"the file has more than {LARGEST_FILE} bytes: init ignores it"]
    if text.startswith("\ufeff"):
        return ["the file begins with a byte order mark: init ignores it"]
    try:
        root = json.loads(text, object_pairs_hook=twice)
    except ValueError as error:
        return [f"no JSON, init ignores the file: {error}"]
    if not isinstance(root, dict):
        return ["the file is no object"]
    found.whole(root)
    return found.found


def releases_of(name):
    """edgeinit-3.1.cfg is for 3.1 alone, edgeinit-3.2.cfg for all that come after; of the system ability's, edgeinit_sa-3.cfg is
    for what reads profiles in XML, edgeinit_sa.cfg for all that come after."""
    if "edgeinit_sa" in name:
        return [release for release in RELEASES if release.startswith("3.") == name.endswith("-3.cfg")]
    return ["3.1"] if "3.1" in name else [release for release in RELEASES if release != "3.1"]
