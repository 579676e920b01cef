#!/usr/bin/env bash
# Installs what the checkout needs on Debian 12, without asking and without
# doing anything twice. What is there already stays as it is; when everything is
# there, this takes a moment and changes nothing.
#
#   tools/setup.sh build          what compiles and runs the programs
#   tools/setup.sh build test     and what the tests need besides
#   tools/setup.sh build lint     and what checks the sources
#   tools/setup.sh deploy         what checks the files of deploy/, without a cluster or an engine
#                                 for containers
#   tools/setup.sh build bench    and what draws the benchmarks' figures, and the peers that the
#                                 model is compared with
#
# Debian packages go into the system. Everything else goes into .deps/, which
# git ignores: the LibTorch wheel into .deps/python (it is used as a C++ library,
# no Python runs), the tests' Python clients into .deps/test-venv.
set -euo pipefail
cd "$(dirname "$0")/.."

build_packages=(
  g++ cmake ninja-build ccache pkg-config
  libgrpc++-dev protobuf-compiler-grpc libprotobuf-dev protobuf-compiler libabsl-dev
  libvips-dev liblcms2-dev libmicrohttpd-dev libgnutls28-dev prometheus-cpp-dev
  nlohmann-json3-dev libcli11-dev libspdlog-dev libfmt-dev libicu-dev libssl-dev zlib1g-dev
  libgtest-dev libgmock-dev
  ca-certificates python3 python3-pip
  curl jq libvips-tools # the demo: its request, its answer, its picture side by side
)
test_packages=(python3-venv chromium fonts-dejavu-core)
lint_packages=(clang libclang-rt-14-dev clang-format clang-tidy shellcheck python3-venv protobuf-compiler)
deploy_packages=(ca-certificates python3 python3-venv debootstrap iproute2)

log=.deps/setup.log

# Runs a command with its output in the log, which is shown if the command fails.
quietly() {
  if ! "$@" >>"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "setup: '$*' failed; its whole output is in $log" >&2
    exit 1
  fi
}

# As root, without questions. A machine just started may still hold the lock for its own updates.
apt_get() {
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y -o DPkg::Lock::Timeout=300 "$@"
}

# Installs those of the packages that are missing.
debian_packages() {
  local installed missing=()
  installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
    awk '$2 == "installed" { print $1 }') || true
  for package in "$@"; do
    grep -qxF -- "$package" <<<"$installed" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0

  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    echo "setup: missing: ${missing[*]}; run this as root, or install sudo" >&2
    exit 1
  fi
  echo "setup: installing ${#missing[@]} Debian packages (minutes): ${missing[*]}"
  apt_get update
  apt_get install --no-install-recommends "${missing[@]}"
}

# wheels <folder> <requirements> <what> <install>: makes the folder with the
# command <install>, unless it was made from these very requirements. The copy of
# the requirements is written last, so that an interrupted install is redone.
wheels() {
  local folder=$1 requirements=$2 what=$3 install=$4
  ! cmp -s "$requirements" "$folder/requirements.txt" || return 0
  echo "setup: installing $what into $folder"
  rm -rf "$folder"
  "$install" "$folder" "$requirements"
  cp "$requirements" "$folder/requirements.txt"
}

# Unpacks a Debian package into .deps/<package>, without its dependencies: installed, it would start a service.
unpacked() {
  local package=$1 folder=.deps/$1
  [ ! -d "$folder" ] || return 0
  echo "setup: unpacking $package into $folder"
  rm -rf "$folder.new"
  mkdir "$folder.new"
  apt-cache show "$package" >/dev/null 2>&1 || apt_get update
  quietly env -C "$folder.new" apt-get -q download "$package"
  quietly dpkg-deb --extract "$folder.new/$package"_*.deb "$folder.new"
  rm "$folder.new/$package"_*.deb
  mv "$folder.new" "$folder"
}

install_target() {
  # Without the dependencies: they are for Python and for a GPU.
  quietly /usr/bin/python3 -m pip install --disable-pip-version-check --no-cache-dir \
    --no-deps --target "$1" --requirement "$2"
}

install_venv() {
  quietly /usr/bin/python3 -m venv "$1"
  quietly "$1/bin/python" -m pip install --disable-pip-version-check --requirement "$2"
}

if ! command -v apt-get >/dev/null; then
  echo "setup: this is not Debian; install what is named in tools/setup.sh by hand" >&2
  exit 1
fi
mkdir -p .deps
for part in "$@"; do
  case $part in
    build)
      debian_packages "${build_packages[@]}"
      wheels .deps/python tools/requirements/libtorch.txt \
        "LibTorch (0.5 GB to fetch, 1.3 GB on disk)" install_target
      ;;
    test)
      debian_packages "${test_packages[@]}"
      wheels .deps/test-venv tools/requirements/test.txt "the tests' Python clients" install_venv
      ;;
    lint)
      debian_packages "${lint_packages[@]}"
      wheels .deps/lint-venv tools/requirements/lint.txt "what checks the contract" install_venv
      ;;
    deploy)
      debian_packages "${deploy_packages[@]}"
      wheels .deps/deploy-venv tools/requirements/deploy.txt "what checks deploy/" install_venv
      unpacked prometheus
      ;;
    bench)
      debian_packages "${test_packages[@]}"
      wheels .deps/bench-venv tools/requirements/bench.txt "what draws figures" install_venv
      wheels .deps/peers-venv tools/requirements/peers.txt \
        "diffusers (3 GB to fetch, 6 GB on disk)" install_venv
      ;;
    *)
      echo "setup: '$part' is not a part; wanted build, test, lint, deploy or bench" >&2
      exit 1
      ;;
  esac
done
