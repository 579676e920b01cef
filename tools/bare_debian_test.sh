#!/usr/bin/env bash
# Shows that the README's commands work on a machine that has nothing: makes a
# bare Debian 12 in a temporary folder, clones this checkout's HEAD into it and
# runs the commands there. Needs root, debootstrap and about 8 GB.
#
#   tools/bare_debian_test.sh                        make demo, then make test
#   tools/bare_debian_test.sh 'make build' ...       other commands, in that order
#
# Where packages come from, and whom to trust, is the host's affair: its package
# sources, its pip settings and its certificates are copied into the new root.
set -euo pipefail

if [ "${1:-}" != --inside ]; then
  # The root lives in mount and process namespaces of its own: when this ends, even
  # by force, the mounts and whatever was left running in there are gone.
  checkout=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
  root=$(mktemp -d "${TMPDIR:-/var/tmp}/bare-debian.XXXXXX")
  trap 'rm -rf --one-file-system "$root" "$root.log"' EXIT
  [ $# -gt 0 ] || set -- "make demo" "make test"
  unshare --mount --pid --fork --kill-child -- "$0" --inside "$checkout" "$root" "$@" &
  # unshare ignores every politer signal; --kill-child passes this one on.
  trap 'kill -KILL $!; wait $! || true; exit 130' INT TERM
  wait $!
  exit
fi

checkout=$2 root=$3
shift 3

# shellcheck disable=SC2016  # apt-get's own variables
sources=$(apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
  'Identifier: Packages' 'Origin: Debian' | sort -u)
mirror=$(awk '$3 == "bookworm" { print $2; exit }' <<<"$sources")
[ -n "$mirror" ] || { echo "this machine has no package source for bookworm" >&2; exit 1; }

echo "bare root: making a Debian 12 in $root"
debootstrap --variant=minbase --include=git,make bookworm "$root" "$mirror" >"$root.log" 2>&1 ||
  { tail -n 20 "$root.log" >&2; exit 1; }
rm "$root.log"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"

echo "$sources" >"$root/etc/apt/sources.list"
apt-config dump | grep -E '^Acquire::(Check|Retries|https?)' >"$root/etc/apt/apt.conf.d/90host" || true
mkdir -p "$root/usr/local/share/ca-certificates"
for path in /etc/resolv.conf /etc/hosts /etc/pip.conf /usr/local/share/ca-certificates; do
  [ ! -e "$path" ] || cp -rL "$path" "$root$(dirname "$path")/"
done
# Only what says how to reach the network; the rest of the environment is bare too.
mapfile -t network < <(env | grep -iE '^(PIP_|SSL_CERT|(https?|no)_proxy=)')

git clone --quiet --no-hardlinks "$checkout" "$root/srv/upscaler"
for command in "$@"; do
  echo "bare root: $command"
  start=$SECONDS
  chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "${network[@]}" \
    bash -c "cd /srv/upscaler && $command"
  echo "bare root: '$command' took $((SECONDS - start)) s"
done
