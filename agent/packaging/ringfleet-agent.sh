#!/bin/sh
# The agent on its own Node, whatever else the device has.
here=$(dirname "$(readlink -f "$0")")
exec "$here/node" "$here/../agent/ringfleet-agent.mjs" "$@"
