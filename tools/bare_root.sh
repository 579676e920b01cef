# shellcheck shell=bash
# A Debian 12 that has nothing, in a folder: for what has to be tried where there is nothing.
# Scripts source this; it needs root and debootstrap.
#
# Where packages come from, and whom to trust, is the host's affair: its package sources, its
# pip settings and its certificates are copied into the new root.

# Runs the script that calls this again, with --inside, a new folder and the arguments given. It
# has mount and process namespaces of its own there: when it ends, even by force, its mounts and
# whatever it left running are gone, and then the folder is, too.
run_inside() {
  local folder
  folder=$(mktemp -d "${TMPDIR:-/var/tmp}/bare-debian.XXXXXX")
  # shellcheck disable=SC2064  # the folder of now
  trap "rm -rf --one-file-system '$folder'" EXIT
  unshare --mount --pid --fork --kill-child -- "$0" --inside "$folder" "$@" &
  # unshare ignores every politer signal; --kill-child passes this one on.
  trap 'kill -KILL $!; wait $! || true; exit 130' INT TERM
  wait $!
}

# make_bare_root <root> [<package>,...]: makes a root that apt-get and pip work in.
make_bare_root() {
  local root=$1 packages=${2:-ca-certificates} sources mirror path
  # shellcheck disable=SC2016  # apt-get's own variables
  sources=$(apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Identifier: Packages' 'Origin: Debian' | sort -u)
  mirror=$(awk '$3 == "bookworm" { print $2; exit }' <<<"$sources")
  [ -n "$mirror" ] || { echo "this machine has no package source for bookworm" >&2; return 1; }

  echo "bare root: making a Debian 12 in $root"
  debootstrap --variant=minbase --include="$packages" bookworm "$root" "$mirror" >"$root.log" 2>&1 ||
    { tail -n 20 "$root.log" >&2; return 1; }
  rm "$root.log"

  echo "$sources" >"$root/etc/apt/sources.list"
  apt-config dump | grep -E '^Acquire::(Check|Retries|https?)' >"$root/etc/apt/apt.conf.d/90host" || true
  mkdir -p "$root/usr/local/share/ca-certificates"
  for path in /etc/resolv.conf /etc/hosts /etc/pip.conf /usr/local/share/ca-certificates; do
    [ ! -e "$path" ] || cp -rL "$path" "$root$(dirname "$path")/"
  done
}

# in_bare_root <root> <command> [<argument>...]: runs a command in it, as root.
in_bare_root() {
  local network
  mountpoint -q "$1/proc" || mount -t proc proc "$1/proc"
  mountpoint -q "$1/dev" || mount --bind /dev "$1/dev"
  # Only what says how to reach the network; the rest of the environment is bare too.
  mapfile -t network < <(env | grep -iE '^(PIP_|SSL_CERT|(https?|no)_proxy=)')
  chroot "$1" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "${network[@]}" "${@:2}"
}
