#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""base.py RELEASE user|debug DIRECTORY [EDITS] — the reduced base of one OpenHarmony release, as the source files that its
build gives to m4 before and after a component's policy.

base/classes and base/neverallow are tables; the rest of base/ is policy text. EDITS (sepolicy/edits) is what the releases
before 5.0 need changed in their own rules: "NAME | RELEASES | DOMAINS ..." adds exceptions to the rule NAME of
base/neverallow."""

import os
import re
import sys

RELEASES = ['3.2', '4.0', '4.1', '5.0.0', '5.0.3', '5.1', '6.0', '7.0']
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'base')

NODES = 'blk_file chr_file'
FILES = 'file lnk_file fifo_file sock_file ' + NODES
WRITE = 'append create link unlink relabelfrom rename setattr write'
WRITE_DIR = 'add_name create link relabelfrom remove_name rename reparent rmdir setattr write'


def text(name):
    with open(os.path.join(HERE, name), encoding='utf-8') as file:
        return file.read()


def lines(path):
    with open(path, encoding='utf-8') as file:
        return [line.strip() for line in file if line.strip() and not line.startswith('#')]


def classes():
    """class, sid-less: declarations first, as checkpolicy wants them; then what each class can do."""
    declared, commons, vectors = [], [], []
    permissions = {}
    for line in lines(os.path.join(HERE, 'classes')):
        head, _, own = line.partition(':')
        name, _, common = (part.strip() for part in head.partition('='))
        if name.startswith('common '):
            name = name.split()[1]
            # checkpolicy's commons do not inherit from each other: they are written out
            permissions[name] = permissions.get(common, []) + own.split()
            commons.append(name)
            continue
        declared.append('class %s' % name)
        vectors.append('class %s%s%s' % (name, ' inherits %s' % common if common else '',
                                         ' { %s }' % own if own.strip() else ''))
    used = {line.split('inherits ')[1].split()[0] for line in vectors if 'inherits' in line}
    return declared, ['common %s { %s }' % (name, ' '.join(permissions[name])) for name in commons if name in used], vectors


def known(release, since):
    return RELEASES.index(since) <= RELEASES.index(release)


def read_set(words, release, build, types, attributes):
    """"domain -a@4.0 -b@7.0!" as policy text; attributes that the release has are noted."""
    kept = []
    for word in words.replace('{', ' { ').replace('}', ' } ').split():
        match = re.fullmatch(r'(-?)(\w+)@([0-9.]+)(!?)', word)
        if match is None:
            kept.append(word.replace('NATIVE', native(release)))
            continue
        minus, name, since, debug = match.groups()
        if known(release, since):
            if name not in types:
                attributes.add(name)
            if build == 'debug' or not debug:
                kept.append(minus + name)
    joined = ' '.join(kept)
    return joined if joined[0] in '*~{' or len(kept) == 1 else '{ %s }' % joined


def native(release):
    return 'native_system_domain' if known(release, '4.1') else 'nativedomain'


def expand(words):
    names = {'FILES': FILES, 'NODES': NODES, 'WRITE': WRITE, 'WRITE_DIR': WRITE_DIR}
    return ' '.join(names.get(word, word) for word in words.split())


def braces(words):
    return words if words[0] in '*~{' else '{ %s }' % words


def rules(release, build, types, edits):
    attributes, out = set(), []
    added = {}
    for line in lines(edits) if edits else []:
        name, releases, domains = (part.strip() for part in line.split('|')[:3])
        if release in releases.split():
            added[name] = domains.split()
    for line in lines(os.path.join(HERE, 'neverallow')):
        name, since, who, what, permissions = (part.strip() for part in line.split('|'))
        target, _, kinds = what.rpartition(' : ')
        source = read_set(who, release, build, types, attributes)
        target = read_set(target, release, build, types, attributes)
        if not known(release, since):
            continue
        if name in added:
            extra = ' '.join('-' + domain for domain in added.pop(name))
            source = '~{ %s }' % extra.replace('-', '') if source == '*' else '{ %s %s }' % (source.strip('{} '), extra)
        out.append('# %s\nneverallow %s %s:%s %s;' % (name, source, target, braces(expand(kinds)),
                                                       braces(expand(permissions))))
    if added:
        sys.exit('edits of unknown rules: ' + ' '.join(added))
    return attributes, out


def write(directory, name, *parts):
    with open(os.path.join(directory, name), 'w', encoding='utf-8') as file:
        for part in parts:
            file.write((part if isinstance(part, str) else '\n'.join(part)) + '\n')


def release_types(release):
    """Types that came with a release, and the label of cgroup2."""
    out = []
    if known(release, '4.0'):
        out += ['type iptables_exec, exec_attr, file_attr, system_file_attr;', 'type cgroup2, fs_attr;']
    if known(release, '5.0.0'):
        out += ['type toybox_exec, exec_attr, file_attr, system_file_attr;']
    return out


def main():
    release, build, directory = sys.argv[1:4]
    edits = sys.argv[4] if len(sys.argv) > 4 else None
    if release not in RELEASES or build not in ('user', 'debug'):
        sys.exit(__doc__)
    types = set(re.findall(r'^type (\w+)', text('types.te'), re.M))
    attributes, neverallow = rules(release, build, types, edits)
    if known(release, '7.0'):
        attributes |= {'data_service_file_attr', 'system_sock_domain', 'system_parameter_attr',
                       'system_restricted_parameter_attr'}
    declared, commons, vectors = classes()
    sids = re.findall(r'^sid \w+', text('labels'), re.M)
    write(directory, 'head', declared, sids, commons, vectors, text('macros.spt'))
    write(directory, 'head.te', 'sensitivity s0;\ndominance { s0 }\ncategory c0;\nlevel s0:c0;',
          'mlsconstrain filesystem relabelto ( h1 dom h2 );',
          'policycap network_peer_controls;\npolicycap open_perms;\npolicycap extended_socket_class;\n'
          'policycap nnp_nosuid_transition;',
          text('attributes').replace('edge_base_native', native(release)),
          ['attribute %s;' % name for name in sorted(attributes)],
          text('types.te').replace('edge_base_native', native(release)), release_types(release), text('domain.te'))
    write(directory, 'neverallow.te', neverallow)
    write(directory, 'tail', 'role r;\nrole r types domain;\nuser u roles { r } level s0 range s0 - s0:c0;',
          text('labels'), ['genfscon cgroup2 / u:object_r:cgroup2:s0'] if known(release, '4.0') else [])


main()
