#!/usr/bin/env bash
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs what is missing on Debian 12, configures and builds into build/. quickstart.sh and test.sh source it.
# What is there already is not done again.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build
# Debian's own interpreter: it is the one that sees Debian's numpy.
# shellcheck disable=SC2034 # for the scripts that source this one
python=/usr/bin/python3
jobs=$(nproc)

# CMake's default generator is make: projects that embed artifacts (examples/embed) are built with it.
packages=(
  libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools lld-22
  cmake ninja-build make g++ ccache
  libtbb-dev libroaring-dev nlohmann-json3-dev
  libgtest-dev libgmock-dev libbenchmark-dev
  python3 python3-numpy
)

# Lines that say what happens go to the standard error stream; the standard output has the results alone.
say() { printf '== %s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# quiet_in_a_pipe COMMAND...: shows what a command says on a terminal; in a pipe, only what goes wrong.
quiet_in_a_pipe() {
  if [ -t 1 ]; then
    "$@" >&2
  else
    "$@" >/dev/null
  fi
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "expects root or sudo to run: $*"
  fi
}

# Prints those of the packages that are not installed.
missing_packages() {
  local package
  for package in "${packages[@]}"; do
    if [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
      printf '%s\n' "$package"
    fi
  done
}

# Whether apt can install a package.
apt_knows() {
  # No pipe into grep -q: it stops reading early, and apt-cache then fails.
  [[ $(LC_ALL=C apt-cache policy "$1" 2>/dev/null) == *'Candidate: '[!\(]* ]]
}

# Stops with what to do where apt does not know one of the packages given.
check_known() {
  local package
  for package in "$@"; do
    if apt_knows "$package"; then
      continue
    fi
    die "apt does not know the package $package.
LLVM and MLIR 22 come with the bookworm-security suite of Debian 12, the other packages with bookworm, all in the
component main. Enable the suite that is missing, for instance with a file
/etc/apt/sources.list.d/bookworm-security.sources:

  Types: deb
  URIs: <the mirror with your security updates>
  Suites: bookworm-security
  Components: main
  Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

and run this script again."
  done
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  if [ "${#missing[@]}" -eq 0 ]; then
    return
  fi
  command -v apt-get >/dev/null || die "expects Debian 12 with apt, or these packages installed: ${missing[*]}"
  say "installing ${missing[*]}"
  quiet_in_a_pipe as_root apt-get update
  check_known "${missing[@]}"
  quiet_in_a_pipe as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "${missing[@]}"
}

# configure FOLDER OPTION...: makes a build folder, unless it is there. ninja itself repeats this where it must.
configure() {
  local folder=$1
  shift
  if [ -f "$folder/build.ninja" ]; then
    return
  fi
  say "configuring $folder"
  quiet_in_a_pipe cmake -S "$root" -B "$folder" -G Ninja "$@"
}

# compile FOLDER TARGET...: builds all, or some targets, with progress on a terminal, and speaking of errors alone in a pipe.
compile() {
  say "building $1"
  if [ -t 1 ]; then
    ninja -C "$1" -j "$jobs" "${@:2}"
  else
    ninja -C "$1" -j "$jobs" --quiet "${@:2}" >&2
  fi
}

install_packages
configure "$build" -DCMAKE_BUILD_TYPE=Release
compile "$build"
