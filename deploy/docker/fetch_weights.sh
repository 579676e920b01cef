#!/usr/bin/env bash
# Fetches the files that a manifest lists and verifies them, for an init container or by hand.
# The folder is complete, or it is not there: files are gathered in <folder>.partial, which takes
# the folder's name when all have the digests that they should. What a run before has fetched is
# taken up from there, and where all is done nothing is asked of the network.
#
#   fetch_weights.sh                          fetches; the variables below say what
#   fetch_weights.sh --manifest-of FOLDER     prints the manifest of a copy that you trust
#
#   UPSCALER_WEIGHTS_URL        where the files are: <url>/<path in the manifest>
#   UPSCALER_WEIGHTS_FOLDER     where they are to be, in a folder that exists and may be written
#   UPSCALER_WEIGHTS_MANIFEST   sha256sum's form, "digest  path" a line
#                               [/etc/upscaler/weights.sha256]
#   UPSCALER_WEIGHTS_SECONDS    how long it may take in all [3600]
#
# Exit codes: 0 all is there and verified; 2 called in a wrong way, or the manifest is none;
# 3 a file could not be fetched, or not in time; 4 what was fetched has another digest; 5 the
# folder is there with other content, or cannot be written.
set -euo pipefail
export LC_ALL=C

# Between attempts, in seconds; doubled each time.
first_pause=1
longest_pause=60
# A connection that brings less than a kilobyte a second for so long is given up.
stall_seconds=30

say() { echo "weights: $*"; }

fail() {
  echo "weights: ${*:2}" >&2
  exit "$1"
}

manifest_of() {
  [ -d "$1" ] || fail 2 "$1 is not a folder"
  cd "$1"
  # Not what hides, such as a download's own notes.
  find . -type f -not -path '*/.*' -printf '%P\0' | sort -z | xargs -0 -r sha256sum
}

# Reads the manifest into the arrays paths and digests.
read_manifest() {
  local digest path
  paths=() digests=()
  if [ ! -r "$1" ] || [ -d "$1" ]; then fail 2 "cannot read the manifest, $1"; fi
  while read -r digest path || [ -n "$digest" ]; do
    case $digest in '' | '#'*) continue ;; esac
    path=${path#\*} # sha256sum --binary
    [[ $digest =~ ^[0-9a-f]{64}$ ]] || fail 2 "$1: '$digest' is not a SHA-256 digest"
    # What can neither leave the folder nor mean something else in a URL.
    if ! [[ $path =~ ^[A-Za-z0-9_][A-Za-z0-9._+-]*(/[A-Za-z0-9_][A-Za-z0-9._+-]*)*$ ]]; then
      fail 2 "$1: '$path' is not a plain relative path"
    fi
    paths+=("$path") digests+=("$digest")
  done <"$1"
  [ ${#paths[@]} -gt 0 ] || fail 2 "$1 lists no file"
}

# is_good <file> <digest>
is_good() { [ -f "$1" ] && sha256sum --status --check - <<<"$2  $1"; }

all_good() {
  local i
  for i in "${!paths[@]}"; do
    is_good "$1/${paths[i]}" "${digests[i]}" || return 1
  done
}

seconds_left() { echo $((deadline > SECONDS ? deadline - SECONDS : 0)); }

# What is in a file, for people.
size_of() { stat -c %s "$1" 2>/dev/null | numfmt --to=iec-i --suffix=B || echo nothing; }

# Waits without a child, so that signals are heard at once.
exec {silence}<> <(:)
pause_for() { read -r -t "$1" -u "$silence" || true; }

# attempt <path> <file>: fetches once, from where the file ends, and tells every ten seconds how
# far it is. Sets status to HTTP's. Returns curl's exit code.
attempt() {
  local answer code=0
  exec {answer}< <(exec curl --silent --show-error --fail --location --proto '=http,https' \
    --connect-timeout 10 --speed-limit 1024 --speed-time "$stall_seconds" \
    --max-time "$(seconds_left)" --continue-at - --output "$2" \
    --write-out '%{http_code}\n' "${UPSCALER_WEIGHTS_URL%/}/$1")
  curl=$!
  while read -r -t 10 -u "$answer" status || [ $? -gt 128 ]; do
    [ -z "$status" ] || break
    say "  $(size_of "$2") so far"
  done
  exec {answer}<&-
  wait "$curl" || code=$?
  curl=
  return "$code"
}

# fetch <path> <file> <digest>: as many attempts as there is time for. The URL is in no message,
# since it may hold a password.
fetch() {
  local path=$1 file=$2 digest=$3 pause=$first_pause code resumed status
  while true; do
    [ "$(seconds_left)" -gt 0 ] || fail 3 "$path: not fetched in time"
    resumed=no
    [ ! -s "$file" ] || resumed=yes
    code=0 status=
    attempt "$path" "$file" || code=$?

    if [ "$code" -eq 0 ]; then
      ! is_good "$file" "$digest" || return 0
      rm -f "$file"
      # The file there may have changed between two parts.
      [ "$resumed" = yes ] || fail 4 "$path: what came has not the digest $digest"
      say "  the parts do not fit together; from the start"
      continue
    fi
    case $code,$status in
      33,* | 22,416) # The server gives no parts, or has none after this one.
        rm -f "$file"
        [ "$resumed" = yes ] || fail 3 "$path: HTTP status $status"
        continue
        ;;
      22,408 | 22,429 | 22,5??) ;; # These pass.
      22,*) fail 3 "$path: HTTP status $status" ;;
      23,*) fail 5 "$file: cannot be written" ;;
    esac
    [ "$(seconds_left)" -gt "$pause" ] || fail 3 "$path: not fetched in time"
    say "  failed (curl's exit code $code, HTTP status $status); again in $pause s"
    pause_for "$pause"
    pause=$((pause * 2 > longest_pause ? longest_pause : pause * 2))
  done
}

# Removes from what an earlier run has left what this manifest does not list, and whatever is
# neither a file nor a folder, such as a link that leads elsewhere.
drop_unlisted() {
  local file kept=$'\n.lock\n' path
  for path in "${paths[@]}"; do kept+=$path$'\n'; done
  find "$partial" -mindepth 1 -not -type f -not -type d -delete
  while IFS= read -r -d '' file; do
    case $kept in *$'\n'"$file"$'\n'*) ;; *) rm -f -- "$partial/$file" ;; esac
  done < <(find "$partial" -type f -printf '%P\0')
}

fetch_all() {
  local i file
  for i in "${!paths[@]}"; do
    file=$partial/${paths[i]}
    say "$((i + 1)) of ${#paths[@]}: ${paths[i]}"
    if ! is_good "$file" "${digests[i]}"; then
      mkdir -p "$(dirname "$file")" || fail 5 "cannot make a folder for $file"
      fetch "${paths[i]}" "$file" "${digests[i]}"
    fi
    say "  $(size_of "$file"), verified"
  done
}

case ${1:-} in
  '') ;;
  --manifest-of)
    [ $# -eq 2 ] || fail 2 "--manifest-of wants one folder"
    manifest_of "$2"
    exit
    ;;
  *) fail 2 "'$1' given; nothing or --manifest-of FOLDER is wanted" ;;
esac

: "${UPSCALER_WEIGHTS_MANIFEST:=/etc/upscaler/weights.sha256}" "${UPSCALER_WEIGHTS_SECONDS:=3600}"
for name in UPSCALER_WEIGHTS_URL UPSCALER_WEIGHTS_FOLDER; do
  [ -n "${!name:-}" ] || fail 2 "$name is not set"
done
[[ $UPSCALER_WEIGHTS_SECONDS =~ ^[1-9][0-9]{0,6}$ ]] ||
  fail 2 "UPSCALER_WEIGHTS_SECONDS is '$UPSCALER_WEIGHTS_SECONDS'; a number of seconds is wanted"
[[ $UPSCALER_WEIGHTS_URL =~ ^https?://. ]] || fail 2 "UPSCALER_WEIGHTS_URL is not one of http or https"
deadline=$UPSCALER_WEIGHTS_SECONDS
folder=$(realpath --canonicalize-missing --no-symlinks -- "$UPSCALER_WEIGHTS_FOLDER")
partial=$folder.partial
read_manifest "$UPSCALER_WEIGHTS_MANIFEST"

curl=
trap '[ -z "$curl" ] || kill "$curl"; exit 143' TERM INT

check_folder() {
  [ -e "$folder" ] || return 1
  all_good "$folder" ||
    fail 5 "$folder is there, but is not what the manifest lists: remove it, or name another folder"
  say "$folder is complete"
}

! check_folder || exit 0
if [ -L "$partial" ]; then fail 5 "$partial is a link"; fi
mkdir -p "$partial" || fail 5 "cannot make $partial; the folder must lie within the volume, not be it"
# Pods that share a volume take turns. It is a file opened for writing, since NFS locks no other.
if [ -e "$partial/.lock" ] && [ ! -f "$partial/.lock" ]; then fail 5 "$partial/.lock is no file"; fi
touch "$partial/.lock" || fail 5 "cannot write to $partial"
exec 9>"$partial/.lock"
code=0
flock --wait "$(seconds_left)" --conflict-exit-code 75 9 || code=$?
case $code in
  0) ;;
  75) fail 3 "another one has been fetching to $partial all the time" ;;
  *) fail 5 "cannot lock $partial/.lock" ;;
esac
if check_folder; then
  rm -rf "$partial"
  exit
fi
drop_unlisted
fetch_all
sync --file-system "$partial"
mv --no-target-directory "$partial" "$folder" || fail 5 "cannot move $partial to $folder"
rm -f "$folder/.lock"
say "$folder is complete"
