//! The arithmetic of the engine: int8 matrix products and the float steps between them.
//!
//! Everything here gives the **same bits on every CPU**. Integer sums are exact in `i32` (no 16-bit step may saturate),
//! so any instruction set may add them in any order. Float steps have one fixed order of operations: sums run over
//! eight virtual lanes that are added as a fixed tree, products and sums are never fused, and `exp` and `ln` are
//! polynomials of this module, so neither the compiler nor the C library can move a bit.
//!
//! Border: this module knows numbers and shapes, no model, no vocabulary, no file. It is the only place in the crate
//! with `unsafe`. A wrong shape is a bug of the caller and panics; shapes of foreign files are checked where they are read.
//!
//! The instruction set is chosen once, at run time, and passed on as [`Kernels`] (a copy of one byte). Code above the
//! baseline of the target exists only in functions marked `#[target_feature]`, so the binary never meets an
//! instruction that the CPU does not have.
//!
//! It is public for the benches and the tests of this crate only.
#![allow(
    clippy::indexing_slicing,
    clippy::needless_range_loop,
    reason = "register tiles: every index is bounded by a constant or by the shapes that the entry points assert"
)]
#![allow(
    clippy::inline_always,
    reason = "polynomials of a few operations inside vector loops: a call costs more than they do"
)]
#![allow(clippy::excessive_precision, reason = "constants are written as their papers give them")]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod float;
pub mod int8;
pub mod math;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "aarch64")]
mod neon_i8mm;
mod portable;
pub mod sink;
pub mod survey;

pub use float::Keys;
pub use int8::{Activation, Affine, Int8Matrix, Quantised, Rows};
pub use sink::{Best, ChunkIds, LogitSink, TopK};
pub use survey::Survey;

/// An instruction set for which there is an int8 kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
    /// Plain Rust: runs on every target, and is the reference for all others.
    Portable,
    /// ARMv8.0 NEON: every 64-bit ARM CPU (Cortex-A53, A72).
    Neon,
    /// ARMv8.2 dot product (Cortex-A55, A76).
    NeonDotprod,
    /// ARMv8.6 int8 matrix multiply (Cortex-A510, X2, Apple M2).
    NeonI8mm,
    /// x86-64 with AVX2.
    Avx2,
    /// x86-64 with AVX-512 F, BW and VNNI.
    Avx512Vnni,
}

impl Isa {
    /// All instruction sets, slowest first.
    pub const ALL: [Self; 6] =
        [Self::Portable, Self::Neon, Self::NeonDotprod, Self::NeonI8mm, Self::Avx2, Self::Avx512Vnni];

    /// The name used in reports: `portable`, `neon`, `neon-dotprod`, `neon-i8mm`, `avx2`, `avx512-vnni`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Neon => "neon",
            Self::NeonDotprod => "neon-dotprod",
            Self::NeonI8mm => "neon-i8mm",
            Self::Avx2 => "avx2",
            Self::Avx512Vnni => "avx512-vnni",
        }
    }

    /// The instruction set of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|isa| isa.name() == name)
    }

    /// Whether this binary has a kernel for it and this CPU can run it.
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "aarch64")]
            Self::Neon => true,
            #[cfg(not(target_arch = "aarch64"))]
            Self::Neon | Self::NeonDotprod | Self::NeonI8mm => false,
            #[cfg(target_arch = "aarch64")]
            Self::NeonDotprod => std::arch::is_aarch64_feature_detected!("dotprod"),
            // The single-row case uses the dot product, so both are asked for.
            #[cfg(target_arch = "aarch64")]
            Self::NeonI8mm => {
                std::arch::is_aarch64_feature_detected!("i8mm")
                    && std::arch::is_aarch64_feature_detected!("dotprod")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            // The float steps run on AVX2 whenever an AVX kernel is chosen.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vnni")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512Vnni => false,
        }
    }

    /// Every instruction set this CPU can run, slowest first.
    ///
    /// ```
    /// use cuba_nmt::kernel::Isa;
    /// assert!(Isa::available().contains(&Isa::Portable));
    /// ```
    pub fn available() -> Vec<Self> {
        Self::ALL.into_iter().filter(|isa| isa.is_available()).collect()
    }

    /// The fastest one this CPU can run.
    pub fn detect() -> Self {
        Self::available().last().copied().unwrap_or(Self::Portable)
    }
}

/// The kernels for one instruction set. Copy it freely: it is one byte, and proof that the CPU has that set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernels {
    isa: Isa,
}

impl Kernels {
    /// Kernels for the fastest instruction set of this CPU.
    pub fn detect() -> Self {
        Self { isa: Isa::detect() }
    }

    /// Kernels for a given instruction set; `None` when this CPU (or this binary) does not have it.
    ///
    /// ```
    /// use cuba_nmt::kernel::{Isa, Kernels};
    /// assert!(Kernels::with_isa(Isa::Portable).is_some());
    /// ```
    pub fn with_isa(isa: Isa) -> Option<Self> {
        isa.is_available().then_some(Self { isa })
    }

    /// The instruction set in use.
    pub fn isa(self) -> Isa {
        self.isa
    }

    /// Whether the float steps may use 256-bit registers.
    #[cfg(target_arch = "x86_64")]
    fn wide(self) -> bool {
        matches!(self.isa, Isa::Avx2 | Isa::Avx512Vnni)
    }
}

/// Defines a method of [`Kernels`] that runs the given `#[inline(always)]` body, compiled once for the baseline of the
/// target and once for AVX2. The body holds no instruction of its own choosing, so both give the same bits.
macro_rules! float_kernel {
    ($(#[$meta:meta])* $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:path) => {
        impl $crate::kernel::Kernels {
            $(#[$meta])*
            #[allow(clippy::too_many_arguments)]
            pub fn $name(self, $($arg: $ty),*) $(-> $ret)? {
                #[cfg(target_arch = "x86_64")]
                if self.wide() {
                    #[target_feature(enable = "avx2")]
                    #[allow(clippy::too_many_arguments)]
                    fn wide($($arg: $ty),*) $(-> $ret)? {
                        $body($($arg),*)
                    }
                    // SAFETY: `Kernels` with an AVX instruction set exist only where AVX2 was detected.
                    #[allow(unsafe_code)]
                    return unsafe { wide($($arg),*) };
                }
                $body($($arg),*)
            }
        }
    };
}
pub(crate) use float_kernel;
