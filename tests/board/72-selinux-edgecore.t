#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The whole node in enforcing: the shipped manifests for the DAYU200 with edgecore, nothing over them but who this node is; the
# real dockerd, and edgecore's stand-in (tests/edgecore) in edgecore's domain. It has joined, and the cloud is out of reach.

# shellcheck disable=SC2154 # dir and patience come from lib.sh
# shellcheck disable=SC2317 # functions called by wait_for
set -uo pipefail
# shellcheck source=lib.sh
source "$(dirname "$(readlink -f "$0")")/lib.sh"

domain()
{
    on "tr -d '\\000' </proc/$1/attr/current"
}

# What a join leaves: a CA, and a certificate of it with its key.
node=$dir/data/etc/kubeedge
mkdir -p "$node/ca" "$node/certs"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=KubeEdge \
    -keyout "$dir/ca.key" -out "$node/ca/rootCA.crt" 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/O=system:nodes/CN=system:node:edge-07' \
    -keyout "$node/certs/server.key" -out "$dir/server.csr" 2>/dev/null
openssl x509 -req -days 3650 -in "$dir/server.csr" -CA "$node/ca/rootCA.crt" -CAkey "$dir/ca.key" -CAcreateserial \
    -out "$node/certs/server.crt" 2>/dev/null
chmod 600 "$node/certs/server.key"

shipped dayu200
overlay 20-dayu200-edge <"$board_root/cfg/boards/dayu200-edge.json" # "10-dayu200-edge" would come before "10-dayu200"
overlay 50-edgecore <"$board_root/cfg/edgecore.json"
overlay 60-edge <<'EOF'
{"version": 1, "edge": {"cloud": "10.55.0.1", "node": "edge-07", "address": "10.66.0.1"}}
EOF

ok "boot" enforcing --append 'board.docker enforcing=1' || console
on 'ip link add node type dummy; ip addr add 10.66.0.1/24 dev node; ip link set node up'
ok "dockerd is ready" on edgeinit wait-ready --timeout "${patience}s" dockerd || console
ok "edgecore is ready" on edgeinit wait-ready --timeout "${patience}s" edgecore || diag "$(on edgeinit status)" "$(on edgeinit logs -n 20 edgecore)"
is "$(resources_left)" '' "all of the manifests is in place"
is "$(domain "$(service edgecore pid)")" u:r:edgecore:s0 "its domain"
is "$(domain "$(service edgecore keeper)")" u:r:edge_stat_keeper:s0 "its keeper's"
is "$(service edgecore restarts)" 0 "it was started once"
like "$(on edgeinit status)" 'node edge-07: ' "the node's line"
no_denials "a node with edgecore"
done_testing
