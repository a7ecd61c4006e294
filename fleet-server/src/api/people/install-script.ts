/** `/install.sh`: POSIX sh, so that it runs on whatever a device's system has. The same for everybody; it holds no secret. */
export const INSTALL_SCRIPT = String.raw`#!/bin/sh
# Installs the Ringfleet agent from its own fleet server and enrolls this device.
#   sh ringfleet-install.sh --url https://SERVER:8443 --ca CA.pem --key KEY --token-file FILE [--id DEVICE]
# Everything is fetched over TLS that only the authority in CA.pem can have signed; the list of packages is signed by KEY, too.
set -eu

fail() { echo "ringfleet-install: $1" >&2; exit "$2"; }
url='' ca='' key='' token='' id=''
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || fail "$1 needs a value" 2
  case $1 in
    --url) url=$2 ;;
    --ca) ca=$2 ;;
    --key) key=$2 ;;
    --token-file) token=$2 ;;
    --id) id=$2 ;;
    *) fail "$1 is no option; there are --url, --ca, --key, --token-file and --id" 2 ;;
  esac
  shift 2
done
if [ -z "$url" ] || [ -z "$key" ] || [ ! -r "$ca" ] || [ ! -r "$token" ]; then
  fail 'give --url URL, --key KEY, and --ca FILE and --token-file FILE, both readable' 2
fi
case $url in https://*) ;; *) fail '--url must begin with https://' 2 ;; esac

[ "$(id -u)" = 0 ] || fail 'run it as root (sudo)' 1
[ "$(uname -s)" = Linux ] || fail "$(uname -s) is not supported, only Linux" 1
case $(uname -m) in
  x86_64) arch=amd64 ;;
  aarch64) arch=arm64 ;;
  *) fail "$(uname -m) is not supported, only x86_64 and aarch64" 1 ;;
esac
for tool in dpkg systemctl curl openssl sha256sum; do
  command -v "$tool" >/dev/null 2>&1 && continue
  [ "$tool" != dpkg ] || fail 'dpkg is missing here; systems without it take the tarball' 1
  fail "$tool is missing here; install it first" 1
done
systemctl list-units --no-legend >/dev/null 2>&1 || fail 'systemd does not run here' 1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
get() { curl -fsS --cacert "$ca" --proto '=https' --connect-timeout 20 --max-time 1800 "$url/install/$1" -o "$work/$2"; }

get SHA256SUMS sums || fail "the server at $url does not answer, or is not the one of $ca" 4
get SHA256SUMS.sig sums.sig || fail 'the signature of the list of packages could not be fetched' 4
printf -- '-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n' "$key" >"$work/key.pem"
openssl pkeyutl -verify -pubin -inkey "$work/key.pem" -rawin -in "$work/sums" -sigfile "$work/sums.sig" >/dev/null 2>&1 ||
  fail 'the list of packages is not signed by the key that was given' 3
grep "_$arch.deb\$" "$work/sums" >"$work/wanted" || fail "the server has no package for $arch: see its packages.dir" 1
file=$(sed -n '1s/^[0-9a-f]*  //p' "$work/wanted")
case $file in ''|*/*|.*) fail 'the list of packages makes no sense' 3 ;; esac
echo "fetching $file" >&2
get "$file" "$file" || fail "$file could not be fetched" 4
(cd "$work" && sha256sum -c wanted >/dev/null) || fail "$file is not what the server lists: its sha256 differs" 3
# A configuration that lies there already is a person's, and there may be nobody to ask.
dpkg -i --force-confold "$work/$file" || fail "dpkg refused $file; see above" 1
if [ -n "$id" ]; then set -- --id "$id"; fi
ringfleet-agent enroll --token-file "$token" "$@"
ringfleet-agent doctor
`;
