#!/bin/sh
# The agent on its own Node, whatever else the device has.
here=$(dirname "$(readlink -f "$0")")
# Where that cannot run, the agent cannot say so itself.
if [ "${1:-}" = install ] && ! "$here/node" --version > /dev/null 2>&1; then
  echo "This tarball does not run on this system: it is for Linux with glibc 2.34 or newer, on the processor of its name." >&2
  exit 1
fi
exec "$here/node" "$here/../agent/ringfleet-agent.mjs" "$@"
