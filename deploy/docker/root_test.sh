#!/usr/bin/env bash
# Tries what the images consist of, without an engine for containers: two bare Debian 12 roots
# with the packages of the Dockerfile, one with what `cmake --install` makes of a build, one with
# what fetches weights. Both run as the Dockerfile says, and as a strict cluster would have it: a
# user without a name or any right, a root that cannot be written, no network but the loopback.
#
#   deploy/docker/root_test.sh [BUILD]     the build's folder [build/release]
#
# Needs root, namespaces and mounts of its own, and what `tools/setup.sh build deploy` installs. The
# build must be of Debian 12.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tools/bare_root.sh
. tools/bare_root.sh

dockerfile=deploy/docker/Dockerfile
# How long the server may take to be ready, in seconds.
patience=60

say() { echo "root test: $*"; }

fail() {
  echo "root test: $*" >&2
  exit 1
}

# instructions <stage> <name>: the arguments of such instructions in that stage.
instructions() {
  awk -v stage="$1" -v name="$2" '
    $1 == "FROM" { inside = $NF == stage }
    inside && $1 == name { sub(name " ", ""); print }' "$dockerfile"
}

# prepare <build> <server's root> <weights' root>
prepare() {
  local build=$1 server=$2 weights=$3
  make_bare_root "$server"
  cp -a "$server" "$weights"
  for root in "$server" "$weights"; do
    say "installing packages into $root"
    cp deploy/docker/install_packages.sh "$root/tmp"
    in_bare_root "$root" /tmp/install_packages.sh "$(basename "$root")" >"$root.log" 2>&1 ||
      { tail -n 20 "$root.log" >&2; fail "the packages cannot be installed"; }
    rm "$root/tmp/install_packages.sh"
  done
  cp deploy/docker/fetch_weights.sh "$weights/usr/local/bin/"
  cmake --install "$build" --prefix "$server/opt/upscaler" >"$server.log"
}

# What is in the server's root, and what must not be.
check_content() {
  local root=$1 program libraries
  for program in cc gcc g++ c++ cpp ld make cmake python3 curl wget git; do
    ! in_bare_root "$root" which "$program" || fail "the image has $program, which nothing there needs"
  done
  for program in "$root"/opt/upscaler/bin/*; do
    program=${program#"$root"}
    libraries=$(in_bare_root "$root" ldd "$program")
    ! grep 'not found' <<<"$libraries" || fail "$program lacks libraries"
    in_bare_root "$root" "$program" --version
  done
  say "$(du -xsm "$root" | cut -f 1) MB, of which $(du -sm "$root/opt/upscaler" | cut -f 1) are ours"
}

# confine <root> <volume>: what an engine does with --read-only, --tmpfs /tmp and a volume.
confine() {
  local root=$1 device
  mkdir -p "$root/models"
  mount --bind "$root" "$root"
  mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
  mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
  mount -t tmpfs tmpfs "$root/dev"
  for device in null zero random urandom; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
  ln -s /proc/self/fd "$root/dev/fd"
  mount --bind "$2" "$root/models"
  mount -o remount,bind,ro "$root"
  ! touch "$root/written" 2>/dev/null || fail "$root can be written"
}

# Sets `container` to the words in front of a command that runs it as the stage says.
container_of() {
  local stage=$1 root=$2 user environment
  mapfile -t environment < <(instructions "$stage" ENV)
  user=$(instructions "$stage" USER)
  container=(chroot "$root" /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin "${environment[@]}"
    setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups --no-new-privs
    --bounding-set=-all --inh-caps=-all --ambient-caps=-all)
}

# The weights come from a server on the loopback into the volume.
fetch_weights() {
  local address=127.0.0.1:8000
  python3 -m http.server --bind "${address%:*}" --directory checkpoints/demo "${address#*:}" >/dev/null 2>&1 &
  local files=$!
  container_of weights "$1"
  "${container[@]}" fetch_weights.sh --manifest-of /models/trusted >"$2/weights.sha256"
  timeout "$patience" "${container[@]}" env UPSCALER_WEIGHTS_URL="http://$address" \
    UPSCALER_WEIGHTS_FOLDER=/models/fetched UPSCALER_WEIGHTS_MANIFEST=/models/weights.sha256 \
    fetch_weights.sh
  kill "$files"
}

# The server is process 1 of its container, where signals have other defaults.
serve() {
  local root=$1 deadline=$((SECONDS + patience)) engine server
  container_of cpu "$root"
  unshare --pid --fork --kill-child -- "${container[@]}" env UPSCALER_MODEL=/models/fetched \
    UPSCALER_LOG_FORMAT=text upscaler-server &
  engine=$!
  until "${container[@]}" upscaler-probe 2>/dev/null; do
    [ "$SECONDS" -lt "$deadline" ] || fail "the server is not ready after $patience s"
    kill -0 "$engine" || fail "the server has ended"
    sleep 0.2
  done
  "${container[@]}" upscaler-probe --service liveness

  "${container[@]}" upscale /models/in.png -o /tmp/out.png --steps 2
  [ "$(vipsheader -f vips-loader "$root/tmp/out.png")" = pngload ] || fail "the answer is no PNG"
  [ "$(vipsheader -f width "$root/tmp/out.png")x$(vipsheader -f height "$root/tmp/out.png")" = 128x96 ] ||
    fail "the answer is not twice as large"

  server=$(cat "/proc/$engine/task/$engine/children")
  grep -E '^(CapEff|CapPrm|CapBnd):.*[1-9a-f]' "/proc/${server% }/status" && fail "the server has rights"
  kill -TERM "${server% }"
  wait "$engine" || fail "the server's exit code is $?"
}

case ${1:-} in
  --inside)
    prepare "$3" "$2/server" "$2/weights"
    check_content "$2/server"
    unshare --net --mount --pid --fork --kill-child -- "$0" --offline "$2"
    say "all is well"
    ;;
  --offline)
    mount -t proc proc /proc
    ip link set lo up
    volume=$2/volume
    mkdir -m 1777 "$volume"
    cp -r checkpoints/demo "$volume/trusted"
    vips thumbnail docs/pictures/astronaut.png "$volume/in.png" 64 --height 48 --size force
    confine "$2/weights" "$volume"
    confine "$2/server" "$volume"
    fetch_weights "$2/weights" "$volume"
    serve "$2/server"
    ;;
  *)
    unshare --mount true 2>/dev/null ||
      fail "this needs to be root, with mounts of its own: not in a container without privileges"
    build=$(realpath "${1:-build/release}")
    run_inside "$build"
    ;;
esac
