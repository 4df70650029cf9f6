//! `exp` and `ln` in single precision, from additions and multiplications alone.
//!
//! Source of the polynomials: Cephes mathematical library, `expf` and `logf` (S. L. Moshier); errors measured in the
//! tests below. No fused multiply-add, no table, no branch: the same bits everywhere, and loops over them vectorise.
//! Constants for a model's set-up (positions) use `libm` in double precision, which is plain Rust too.

/// Adding and subtracting 1.5 * 2^23 rounds to the nearest integer, ties to even, for |x| < 2^22.
const ROUND: f32 = 12_582_912.0;

/// Below this `exp` gives 0: the result would leave the normal numbers, where CPUs differ in speed and settings.
const EXP_LOW: f32 = -87.0;

/// Above this `exp` stays at `exp(88)`, the largest whole argument whose result is finite.
const EXP_HIGH: f32 = 88.0;

/// e to the power of `x`; 0 below -87 and for not-a-number, `exp(88)` above 88. Relative error below 2e-7.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Comparisons in this direction send not-a-number to the lower bound on every CPU.
    let capped = if x < EXP_HIGH { x } else { EXP_HIGH };
    let t = if x > EXP_LOW { capped } else { EXP_LOW };
    let shifted = t * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    // ln 2 in two parts, so that n * part is exact for the first.
    let r = t - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_2e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 5.000_000_1e-1;
    let y = p * (r * r) + r + 1.0;
    // The low bits of `shifted` are n; moved to the exponent they multiply by 2^n.
    let scaled = f32::from_bits(y.to_bits().wrapping_add(shifted.to_bits() << 23));
    if x > EXP_LOW { scaled } else { 0.0 }
}

/// Natural logarithm of a positive normal number. Relative error below 2e-7 away from 1.
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    let bits = x.to_bits();
    // Mantissa in [sqrt(1/2), sqrt(2)): the exponent is taken after moving the point of the carry to sqrt(1/2).
    let offset = bits.wrapping_sub(0x3f35_04f3);
    let e = ((offset as i32) >> 23) as f32;
    let f = f32::from_bits((offset & 0x007f_ffff).wrapping_add(0x3f35_04f3)) - 1.0;
    let z = f * f;
    let mut p = 7.037_683_6e-2;
    p = p * f - 1.151_461e-1;
    p = p * f + 1.167_699_9e-1;
    p = p * f - 1.242_014_1e-1;
    p = p * f + 1.424_932_3e-1;
    p = p * f - 1.666_805_8e-1;
    p = p * f + 2.000_071_5e-1;
    p = p * f - 2.499_999_4e-1;
    p = p * f + 3.333_333e-1;
    let y = p * f * z - e * 2.121_944_4e-4 - 0.5 * z;
    f + y + e * 0.693_359_4
}

/// 1 / (1 + exp(-x)).
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "the same bits are wanted")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn exp_keeps_its_edges() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(f32::NAN), 0.0);
        assert_eq!(exp(-88.0), 0.0);
        assert_eq!(exp(1e30), exp(88.0));
        assert!(exp(88.0).is_finite());
        assert_eq!(sigmoid(0.0), 0.5);
        assert_eq!(sigmoid(200.0), 1.0);
    }

    #[test]
    fn bits_are_those_of_every_other_cpu() {
        // Golden bits: a compiler that fuses or reorders on one target fails here on that target.
        let args = [-80.5f32, -10.25, -1.0, -0.3, 0.001, 0.7, 1.0, 5.5, 60.0];
        let exps = args.map(|x| exp(x).to_bits());
        let lns = args.map(|x| ln(x.abs()).to_bits());
        assert_eq!(exps, EXP_BITS, "{exps:#x?}");
        assert_eq!(lns, LN_BITS, "{lns:#x?}");
    }

    const EXP_BITS: [u32; 9] = [
        0x0568_d103,
        0x3814_4cd4,
        0x3ebc_5ab2,
        0x3f3d_a643,
        0x3f80_20c9,
        0x4000_e153,
        0x402d_f854,
        0x4374_b122,
        0x6abc_ede5,
    ];
    const LN_BITS: [u32; 9] = [
        0x408c_6c9a,
        0x4014_f21e,
        0x0000_0000,
        0xbf9a_1bc8,
        0xc0dd_0c55,
        0xbeb6_9e1a,
        0x0000_0000,
        0x3fda_3530,
        0x4083_04df,
    ];

    proptest! {
        #[test]
        fn exp_is_close(x in -86.9f32..87.9) {
            let want = f64::from(x).exp();
            prop_assert!(((f64::from(exp(x)) - want) / want).abs() < 2e-7);
        }

        #[test]
        fn ln_is_close(x in 1e-30f32..1e30) {
            let want = f64::from(x).ln();
            prop_assert!((f64::from(ln(x)) - want).abs() < 2e-7 * want.abs().max(0.5));
        }
    }
}
