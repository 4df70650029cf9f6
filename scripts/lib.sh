# Shared by the scripts here; not run by itself.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
# Build tools that come from PyPI when the system has none live beside the build, not in the user's home.
TOOLS=$TARGET/build-tools

say() { printf '%s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# need_rust: cargo of at least the workspace's rust-version.
need_rust() {
  if ! command -v cargo >/dev/null 2>&1 && [ -x "$HOME/.cargo/bin/cargo" ]; then PATH=$HOME/.cargo/bin:$PATH; fi
  command -v cargo >/dev/null 2>&1 || die "Rust is missing. Install it from https://rustup.rs and run this again."
  local want have
  want=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$ROOT/Cargo.toml")
  have=$(rustc --version | cut -d' ' -f2)
  [ "$(printf '%s\n%s\n' "$want" "$have" | sort -V | head -1)" = "$want" ] ||
    die "Rust $have is too old: Cuba needs $want or newer. Run: rustup update stable"
}

# need_cc: a C compiler and make, for the small C parts (ring, SQLCipher).
need_cc() {
  command -v cc >/dev/null 2>&1 && command -v make >/dev/null 2>&1 ||
    die "a C compiler and make are missing. On Debian or Ubuntu: sudo apt-get install build-essential"
}

pip_install() { # into $TOOLS, without touching the system's Python
  python3 -m pip --version >/dev/null 2>&1 ||
    die "Python's pip is missing. On Debian or Ubuntu: sudo apt-get install python3-pip"
  python3 -m pip install --quiet --disable-pip-version-check --target "$TOOLS" --upgrade "$@" >&2 ||
    die "pip could not install $*: see its message above"
}

# need_llm_tools: what building llama.cpp takes besides a compiler: cmake, and libclang for its bindings.
need_llm_tools() {
  if ! command -v cmake >/dev/null 2>&1; then
    [ -x "$TOOLS/bin/cmake" ] || { say "fetching cmake (once)"; pip_install 'cmake>=3.24,<4'; }
    export PATH="$TOOLS/bin:$PATH" PYTHONPATH="$TOOLS${PYTHONPATH:+:$PYTHONPATH}"
  fi
  if [ -z "${LIBCLANG_PATH:-}" ] && ! ls /usr/lib/llvm-*/lib/libclang*.so* /usr/lib/*/libclang*.so* >/dev/null 2>&1; then
    [ -e "$TOOLS/clang/native/libclang.so" ] || { say "fetching libclang (once)"; pip_install libclang; }
    export LIBCLANG_PATH=$TOOLS/clang/native
    # The wheel brings the library without clang's own headers; gcc's serve.
    BINDGEN_EXTRA_CLANG_ARGS="-I$(cc -print-file-name=include) ${BINDGEN_EXTRA_CLANG_ARGS:-}"
    export BINDGEN_EXTRA_CLANG_ARGS
  fi
}
