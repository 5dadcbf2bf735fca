# SPDX-License-Identifier: Apache-2.0
"""What a tree of OpenHarmony would find wrong with the component, as far as that can be known without one: bundle.json, the
BUILD.gn files, edgeinit.gni and the files are held against each other. gn itself reads the BUILD.gn files, in a tree of its own
whose //build is ours (build/ohos.gni with pretend_tree: what other parts have to offer is noted, not looked for)."""
import glob
import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree

RELEASES = ["3.1", "3.2", "4.0", "4.1", "5.0"]
SWITCHES = ["hilog", "hisysevent", "parameter", "sa"]
# A part's name before 4.0, and now.
RENAMED = {"hilog_native": "hilog", "hisysevent_native": "hisysevent", "samgr_standard": "samgr", "utils_base": "c_utils"}
# What edgeinit cannot be without.
ALWAYS = {"cJSON", "libnl", "zlib"}
FIELDS = ["Name", "License", "License File", "Version Number", "Owner", "Upstream URL", "Description"]
FILTERS = {"defaultFilter", "defaultPolicyFilter", "copyrightPolicyFilter", "licenseFileNamePolicyFilter",
           "readmeFileNamePolicyFilter", "readmeOpenSourcefileNamePolicyFilter", "binaryFileTypePolicyFilter"}
# Shipped, but not by an image: the schema is for editors, the sandbox is no board.
NOT_INSTALLED = {"cfg/edgeinit.schema.json", "cfg/boards/sandbox.json"}

STANDS_IN = """
config("defaults") {
}
config("static") {
}
group("default") {
  testonly = true
  deps = [ %s ]
}
"""
SA_PROFILE = """
template("ohos_sa_profile") {
  group(target_name) {
    metadata = {
      profiles = rebase_path(invoker.sources, "//")
    }
    not_needed(invoker, "*")
  }
}
"""
THIRD_PARTY = """
group("%s") {
}
"""


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def copy_project(project, target):
    """All that git would commit."""
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=project, check=True,
                           stdout=subprocess.PIPE).stdout.decode().split("\0")
    for name in filter(None, names):
        if os.path.lexists(os.path.join(project, name)):
            os.makedirs(os.path.dirname(os.path.join(target, name)), exist_ok=True)
            shutil.copy2(os.path.join(project, name), os.path.join(target, name), follow_symlinks=False)
    return target


class Tree:
    """The component at its place, and around it as much of a tree as gn asks for."""

    def __init__(self, root, component, upstream):
        self.root = root
        try:
            self.bundle = json.loads(read(component, "bundle.json"))
            self.place = self.bundle["segment"]["destPath"]
        except (ValueError, KeyError, TypeError):
            self.bundle, self.place = None, "base/startup/edgeinit"
        self.component = os.path.join(root, self.place)
        os.makedirs(os.path.dirname(self.component), exist_ok=True)
        os.rename(component, self.component)
        build = os.path.join(root, "build")
        shutil.copytree(os.path.join(self.component, "build"), build)
        shutil.copy(os.path.join(self.component, ".gn"), root)
        os.symlink(upstream, os.path.join(self.component, "third_party", "upstream"))
        wanted = self.labels("sub_component") + self.labels("test")
        write(os.path.join(build, "BUILD.gn"), STANDS_IN % ", ".join('"%s"' % label for label in wanted))
        write(os.path.join(build, "ohos", "sa_profile", "sa_profile.gni"), SA_PROFILE)
        write(os.path.join(root, "third_party", "cJSON", "BUILD.gn"), THIRD_PARTY % "cjson")
        write(os.path.join(root, "third_party", "zlib", "BUILD.gn"), THIRD_PARTY % "libz")

    def labels(self, kind):
        try:
            return list(self.bundle["component"]["build"][kind])
        except (KeyError, TypeError):
            return []

    def gn(self, *words):
        ran = subprocess.run(["gn", *words, "--root=" + self.root], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             universal_newlines=True, timeout=120, check=False)
        return ran.returncode, ran.stdout

    def targets(self, name, release, **features):
        """What gn makes of it: label -> description; or what it says against it."""
        out = os.path.join(self.root, "out", name)
        words = {"pretend_tree": True, "edgeinit_feature_release": "OpenHarmony-" + release}
        words.update({"edgeinit_feature_" + key: value for key, value in features.items()})
        code, text = self.gn("gen", out, "--args=" + " ".join(f"{key}={json.dumps(value)}" for key, value in words.items()))
        if code != 0 or "WARNING" in text:
            return None, text
        code, text = self.gn("desc", out, "//*", "--format=json")
        return (json.loads(text), "") if code == 0 else (None, text)


def reached(targets, roots):
    """Those that these bring into the image: what nobody depends on gn describes as well."""
    found, waiting = {}, list(roots)
    while waiting:
        label = waiting.pop()
        if label in targets and label not in found:
            found[label] = targets[label]
            waiting += targets[label].get("deps", [])
    return found


def parts_of(targets):
    """The parts whose modules are linked, by their names of today."""
    parts = set()
    for target in targets.values():
        for dep in target.get("metadata", {}).get("external_deps", []):
            part = dep.split(":")[0]
            parts.add(RENAMED.get(part, part))
        for dep in target.get("deps", []):
            if dep.startswith("//third_party/"):
                parts.add(dep[len("//third_party/"):].split(":")[0])
    return parts


def sources_of(tree, targets):
    """What is installed from where: the files of the component that its copies and profiles have as their source."""
    here = "//" + tree.place + "/"
    names = set()
    for target in targets.values():
        if target["type"] == "copy":
            names.update(source[len(here):] for source in target.get("sources", []) if source.startswith(here))
        names.update(name[len(here) - 2:] for name in target.get("metadata", {}).get("profiles", []))
    return names


def installs_of(targets):
    return {name for target in targets.values() for name in target.get("metadata", {}).get("installs", [])}


def bundle_problems(tree):
    bundle = tree.bundle
    if bundle is None:
        yield "bundle.json is no JSON object with a segment.destPath"
        return
    component = bundle.get("component", {})
    name = component.get("name", "")
    if not re.fullmatch("[a-z][a-z0-9_]{1,62}", name) or bundle.get("name") != "@ohos/" + name:
        yield f"bundle.json: the names {bundle.get('name')} and {name} do not fit"
    for key in ("subsystem", "adapted_system_type", "rom", "ram", "deps", "build"):
        if not component.get(key):
            yield f"bundle.json: component.{key} is missing"
    for key in ("sub_component", "inner_kits", "test"):
        if key not in component.get("build", {}):
            yield f"bundle.json: component.build.{key} is missing"
    named = [bundle.get("licensePath")] + list(bundle.get("readmePath", {}).values())
    for label in component.get("hisysevent_config", []):
        named.append(label[len("//" + tree.place + "/"):] if label.startswith("//" + tree.place + "/") else label)
    for file in named:
        if not file or not os.path.isfile(os.path.join(tree.component, file)):
            yield f"bundle.json names {file}, which is not there"


def tree_problems(tree, releases):
    """What gn and bundle.json say of each other, in every release."""
    bundle = tree.bundle or {}
    component = bundle.get("component", {})
    declared = set(component.get("deps", {}).get("components", []))
    seen, installed, paths = set(), set(), set()
    boards = [os.path.basename(name)[:-5] for name in glob.glob(os.path.join(tree.component, "cfg", "boards", "*.json"))]
    boards = [name for name in boards if name != "sandbox" and not name.endswith("-edge")]
    for release in releases:
        targets, text = tree.targets("all-" + release, release, edge=True, board=boards[0])
        if targets is None:
            yield f"gn, for {release}: {text}"
            continue
        for kind in ("sub_component", "test"):
            for label in tree.labels(kind):
                if label not in targets:
                    yield f"bundle.json: there is no target {label} ({kind})"
        packed = reached(targets, tree.labels("sub_component"))
        for part in parts_of(packed) - declared:
            yield f"{part} is used on {release}, and not among bundle.json's deps"
        seen |= parts_of(packed)
        for label, target in targets.items():
            if label.startswith("//" + tree.place) and target["type"] not in ("group", "copy", "action"):
                for source in target.get("sources", []):
                    if not os.path.exists(os.path.join(tree.root, source[2:])):
                        yield f"{label} names {source}, which is not there"
        for name in sources_of(tree, packed):
            if not os.path.isfile(os.path.join(tree.component, name)):
                yield f"{name} is to be installed, and not there"
        installed |= sources_of(tree, packed)
        paths |= installs_of(packed)
    for part in declared - seen:
        yield f"bundle.json declares {part}, which nothing uses"
    off, text = tree.targets("none", "5.0", **{name: False for name in SWITCHES})
    if off is None:
        yield f"gn, without any feature: {text}"
    else:
        left = parts_of(reached(off, tree.labels("sub_component")))
        if left != ALWAYS:
            yield f"without any feature {sorted(left)} are used, and {sorted(ALWAYS)} should be"
    shipped = [name for pattern in ("cfg/*.json", "cfg/boards/*.json", "cfg/init/*", "cfg/param/*", "sa/*.json", "sa/*.xml",
                                    "sa/*.cfg") for name in glob.glob(pattern, root_dir=tree.component)]
    if set(releases) == set(RELEASES):
        for name in set(shipped) - NOT_INSTALLED - installed:
            yield f"{name} is installed by no target"
    page = read(tree.component, "docs", "openharmony.md")
    for name in sorted(paths):
        if f"`{name}`" not in page:
            yield f"{name} is installed, and docs/openharmony.md does not list it"
    if off is None:
        return
    text = tree.gn("args", os.path.join(tree.root, "out", "none"), "--list", "--json")[1]
    arguments = {one["name"] for one in json.loads(text) if one["name"].startswith("edgeinit_feature_")}
    for name in arguments ^ set(component.get("features", [])):
        yield f"{name} is a feature in bundle.json or in edgeinit.gni, not in both"
    for name in arguments:
        if f"`{name}`" not in page:
            yield f"docs/openharmony.md does not explain {name}"


def source_problems(tree):
    """Of the libraries that are built from others' sources."""
    pinned = {}
    for line in read(tree.component, "build", "static", "sources").splitlines():
        words = line.split()
        if words and words[0] != "#":
            pinned[words[0]] = re.sub(r"^\d+:|-[^-]*$", "", words[1])
    overlays = [os.path.dirname(name) for name in glob.glob(os.path.join(tree.component, "third_party", "*", "BUILD.gn"))]
    if len(overlays) < 3:
        yield "third_party has fewer than three libraries"
    for directory in overlays:
        name = os.path.relpath(directory, tree.component) + "/README.OpenSource"
        try:
            (about,) = json.loads(read(directory, "README.OpenSource"))
        except (OSError, ValueError, TypeError):
            yield f"{name} is no JSON list of one entry"
            continue
        for field in FIELDS:
            if not isinstance(about.get(field), str) or not about[field]:
                yield f'{name} lacks "{field}"'
        if not os.path.isfile(os.path.join(directory, about.get("License File") or "-")):
            yield f"{name}: there is no {about.get('License File')}"
        version = pinned.get(about.get("Name"), pinned.get(str(about.get("Name")) + "3"))
        if about.get("Version Number") != version:
            yield f"{name} says version {about.get('Version Number')}, build/static/sources {version}"
        if not str(about.get("Upstream URL")).startswith("https://") or str(version) not in str(about.get("Upstream URL")):
            yield f"{name}: the Upstream URL is not that of {version}"


def exempt(filters, name):
    """As OAT reads a filter: a file name's pattern with *, or a regular expression for the path from the root."""
    for kind, pattern in filters:
        if kind == "filename" and re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), os.path.basename(name)):
            return True
        if kind == "filepath" and re.fullmatch(pattern, name):
            return True
    return False


def licence_problems(tree, names):
    try:
        root = xml.etree.ElementTree.parse(os.path.join(tree.component, "OAT.xml")).getroot()
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        yield f"OAT.xml: {error}"
        return
    if root.tag != "configuration" or root.find("oatconfig") is None:
        yield "OAT.xml is no configuration with an oatconfig"
    for item in root.iter("policyitem"):
        if not all(item.get(key) for key in ("type", "name", "path", "desc")):
            yield f"OAT.xml: a policyitem lacks one of type, name, path, desc: {item.attrib}"
    filters = {}
    for one in root.iter("filefilter"):
        if one.get("name") not in FILTERS:
            yield f"OAT.xml: OAT knows no filefilter {one.get('name')}"
        filters[one.get("name")] = [(item.get("type"), item.get("name")) for item in one.iter("filteritem")]
    for name in (root.findtext(".//licensefile") or "-", "LICENSE"):
        if "Apache License" not in (read(tree.component, name)
                                    if os.path.isfile(os.path.join(tree.component, name)) else ""):
            yield f"{name} is not the Apache License"
    for name in names:
        path = os.path.join(tree.component, name)
        if name == "LICENSE" or name.endswith((".md", ".svg")) or not os.path.isfile(path):
            continue
        with open(path, "rb") as file:
            head = file.read(400)
        if b"SPDX-License-Identifier: Apache-2.0" not in head and \
                not exempt(filters.get("defaultFilter", []) + filters.get("defaultPolicyFilter", []), name):
            yield f"{name} has no licence header, and OAT.xml does not say why"


def problems(tree, names, releases):
    """All of them, in words."""
    found = list(bundle_problems(tree))
    found += tree_problems(tree, releases)
    found += source_problems(tree)
    found += licence_problems(tree, names)
    return found
