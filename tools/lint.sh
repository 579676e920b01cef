#!/usr/bin/env bash
# What can be said of the sources without compiling them. Every check runs and
# reports before this fails, so that one look shows all there is to mend.
#
#   tools/lint.sh                   all but tidy
#   tools/lint.sh format rooms      only these: format rooms blanks sizes shell contract docker tidy
#   tools/lint.sh --tidy            only clang-tidy, on what differs from BASE (HEAD)
#
# tidy reads build/release/compile_commands.json, and a LibTorch file takes it
# minutes: that is why it sees changed files alone.
set -euo pipefail
cd "$(dirname "$0")/.."

# Every file that git knows or would add and that is there.
files() {
  git ls-files -z --cached --others --exclude-standard -- "$@" |
    while IFS= read -r -d '' file; do
      [ ! -f "$file" ] || printf '%s\0' "$file"
    done
}

check_format() {
  files '*.h' '*.cc' | xargs -0 -r clang-format --dry-run -Werror
}

check_rooms() {
  python3 tools/check_rooms.py
}

check_blanks() {
  # What others made is theirs: the checkpoints and the goldens.
  ! git grep --untracked -nIE '[[:blank:]]+$' -- . ':!checkpoints/demo' ':!tests/data'
}

check_sizes() {
  # A large file stays in every clone for ever, so each one is listed here.
  files ':!checkpoints/demo/**.safetensors' ':!tests/data/golden/**' \
    ':!tests/data/tokenizer/clip_merges.txt' |
    xargs -0 stat -c '%s %n' |
    awk '$1 > 524288 { print $2 ": " $1 " bytes"; found = 1 } END { exit found }'
}

check_shell() {
  files '*.sh' .ci/run | xargs -0 -r shellcheck
}

# The contract, and whether its reference says what it says.
check_contract() {
  .deps/lint-venv/bin/buf lint proto && .deps/lint-venv/bin/python tools/contract_reference.py --check
}

check_docker() {
  .deps/lint-venv/bin/hadolint deploy/docker/Dockerfile
}

check_tidy() {
  { git diff -z --name-only --diff-filter=d "${BASE:-HEAD}" -- '*.cc'
    git ls-files -z --others --exclude-standard -- '*.cc'
  } | xargs -0 -r -n 1 clang-tidy --quiet -p build/release
}

checks=("$@")
[ $# -gt 0 ] || checks=(format rooms blanks sizes shell contract docker)
failed=()
for check in "${checks[@]}"; do
  check=${check#--}
  if ! declare -F "check_$check" >/dev/null; then
    echo "lint: there is no check '$check'" >&2
    exit 1
  fi
  echo "lint: $check"
  "check_$check" || failed+=("$check")
done
[ ${#failed[@]} -eq 0 ] || { echo "lint: found something: ${failed[*]}" >&2; exit 1; }
