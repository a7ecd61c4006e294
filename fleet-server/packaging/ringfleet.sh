#!/bin/sh
# On its own Node, whatever else the machine has.
here=$(dirname "$(readlink -f "$0")")
exec "$here/node" "$here/../server/ringfleet.mjs" "$@"
