#!/usr/bin/env bash
# Makes a stand-in for `node:24-bookworm-slim` out of this machine, for where no image registry can be reached: Node 24 with the
# libraries that it needs, npm, busybox for a shell, the CA certificates, and the user `node`. About 150 MB, a few seconds.
#
#   scripts/setup/base-image.sh [NAME]          default: cares-base:local
#   docker build --build-arg NODE=cares-base:local .
set -euo pipefail
# shellcheck source=scripts/setup/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
trap clean_up EXIT

NAME=${1:-cares-base:local}
TREE="$WORK/tree"

ensure_node
ensure_modules
NODE=$(readlink -f "$(modern_node)")
NPM=$(npm root --global)/npm
[ -d "$NPM" ] || NPM=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
if can_install; then apt_install busybox-static; fi
BUSYBOX=$(command -v busybox) || fail 'busybox is not installed' 'apt-get install busybox-static'
REGISTRY=$(npm config get registry 2>/dev/null)
CERTIFICATES=${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}
[ -f "$CERTIFICATES" ] || CERTIFICATES=/dev/null

# If nothing that goes into it has changed, the image is left as it is: a new one would have another id, and all images on top would be built again.
INGREDIENTS=$(cat "${BASH_SOURCE[0]}" "$NODE" "$NPM/package.json" "$BUSYBOX" "$CERTIFICATES" <(echo "$REGISTRY") | sha256sum | cut -d ' ' -f 1)
LABEL=io.cares.ingredients
if [ "$(docker image inspect --format "{{ index .Config.Labels \"$LABEL\" }}" "$NAME" 2>/dev/null)" = "$INGREDIENTS" ]; then
  say "$NAME is there already"
  exit 0
fi

mkdir -p "$TREE"/{bin,usr/bin,usr/local/bin,usr/local/lib/node_modules,etc/ssl/certs,root,home/node,tmp,var/tmp}
chmod 1777 "$TREE/tmp" "$TREE/var/tmp"
for tool in $("$BUSYBOX" --list); do ln -s busybox "$TREE/bin/$tool"; done
cp --remove-destination "$BUSYBOX" "$TREE/bin/busybox"
ln -s /bin/env "$TREE/usr/bin/env"

cp "$NODE" "$TREE/usr/local/bin/node"
# The loader and every shared library, at the paths where the binary looks for them.
ldd "$NODE" | grep -o '/[^ ]*' | while read -r library; do cp --parents -L "$library" "$TREE"; done
# Parts of the C library that are empty nowadays, but that native packages (the bundler of the dashboard) still load by name.
for part in rt util resolv; do
  library=$(dirname "$(ldd "$NODE" | grep -o '/[^ ]*/libc\.so\.6')")/lib$part.so
  for file in "$library".*; do [ ! -f "$file" ] || cp --parents -L "$file" "$TREE"; done
done
cp -r "$NPM" "$TREE/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$TREE/usr/local/bin/npm"

printf 'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000:node:/home/node:/bin/sh\n' >"$TREE/etc/passwd"
printf 'root:x:0:\nnode:x:1000:\n' >"$TREE/etc/group"
[ ! -f "$CERTIFICATES" ] || cp -L "$CERTIFICATES" "$TREE/etc/ssl/certs/ca-certificates.crt"

tar -C "$TREE" -c . | docker import \
  --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin' \
  --change 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' \
  --change "ENV NPM_CONFIG_REGISTRY=$REGISTRY" \
  --change "LABEL $LABEL=$INGREDIENTS" \
  --change 'CMD ["node"]' - "$NAME" >"$WORK/id"
say "$NAME is ready ($(docker image inspect --format '{{ .Size }}' "$NAME" | awk '{ printf "%d MB", $1 / 1e6 }'))"
