#!/bin/sh
# Builds the kernel library into OUTPUT/native/<system>-<machine>/. Called by Maven. Without a
# compiler it says what to install and succeeds: another provider then runs.
#   build.sh SOURCE BUILD OUTPUT
set -u
source=$1
build=$2
output=$3

for tool in cmake cc make; do
    if ! command -v "$tool" >/dev/null 2>&1; then
        echo "Native kernels are not built, '$tool' is missing; the slower kernels on Java's Vector API will run." \
            "Install: apt-get install cmake gcc make"
        exit 0
    fi
done

target="$output/native/$(uname -s | tr 'A-Z' 'a-z')-$(uname -m)"
mkdir -p "$build" "$target" || exit 1
# CMake compares time stamps itself, so an unchanged source costs no compilation.
if ! { cmake -S "$source" -B "$build" -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_LIBRARY_OUTPUT_DIRECTORY="$target" && cmake --build "$build"; } \
        >"$build/build.log" 2>&1; then
    cat "$build/build.log" >&2
    echo "The native kernels do not compile; the log is above and in $build/build.log." >&2
    exit 1
fi
