#!/usr/bin/env bash
# Shows that the README's commands work on a machine that has nothing: makes a
# bare Debian 12 in a temporary folder, clones this checkout's HEAD into it and
# runs the commands there. Needs root, debootstrap and about 8 GB.
#
#   tools/bare_debian_test.sh                        make demo, then make test
#   tools/bare_debian_test.sh 'make build' ...       other commands, in that order
set -euo pipefail
# shellcheck source=tools/bare_root.sh
. "$(dirname "$0")/bare_root.sh"

if [ "${1:-}" != --inside ]; then
  checkout=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
  [ $# -gt 0 ] || set -- "make demo" "make test"
  run_inside "$checkout" "$@"
  exit
fi

root=$2/root checkout=$3
shift 3

make_bare_root "$root" git,make
git clone --quiet --no-hardlinks "$checkout" "$root/srv/upscaler"
for command in "$@"; do
  echo "bare root: $command"
  start=$SECONDS
  in_bare_root "$root" bash -c "cd /srv/upscaler && $command"
  echo "bare root: '$command' took $((SECONDS - start)) s"
done
