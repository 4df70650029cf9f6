//! Writes the Kotlin, Swift and Python side of `cuba-ffi` from the metadata in the built library.
//!
//! It must not hold any logic: it exists so that the generator's version is the library's. `scripts/bindings generate`
//! calls it.

fn main() {
    uniffi::uniffi_bindgen_main();
}
