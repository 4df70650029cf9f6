//! Small statistics every other module stands on. NaN-free input is the caller's duty; empty input gives NaN, never a panic.

/// Arithmetic mean; NaN for an empty slice.
#[must_use]
pub fn mean(x: &[f64]) -> f64 {
    if x.is_empty() { f64::NAN } else { x.iter().sum::<f64>() / x.len() as f64 }
}

/// Standard deviation with `ddof` delta degrees of freedom (1 = sample, 0 = population); NaN when too short.
///
/// ```
/// assert!((cuba_signals::stats::sd(&[1.0, 2.0, 3.0], 1) - 1.0).abs() < 1e-12);
/// ```
#[must_use]
pub fn sd(x: &[f64], ddof: usize) -> f64 {
    if x.len() <= ddof {
        return f64::NAN;
    }
    let m = mean(x);
    (x.iter().map(|v| (v - m) * (v - m)).sum::<f64>() / (x.len() - ddof) as f64).sqrt()
}

/// The `q` quantile (0..=1) with linear interpolation between order statistics; NaN for an empty slice.
#[must_use]
pub fn quantile(x: &[f64], q: f64) -> f64 {
    let mut s = x.to_vec();
    s.sort_by(f64::total_cmp);
    quantile_sorted(&s, q)
}

/// As [`quantile`], for values already in order.
#[must_use]
pub fn quantile_sorted(s: &[f64], q: f64) -> f64 {
    if s.is_empty() {
        return f64::NAN;
    }
    let p = q.clamp(0.0, 1.0) * (s.len() - 1) as f64;
    let lo = p.floor() as usize;
    let hi = (lo + 1).min(s.len() - 1);
    s[lo] + (s[hi] - s[lo]) * (p - lo as f64)
}

/// Median; NaN for an empty slice.
#[must_use]
pub fn median(x: &[f64]) -> f64 {
    quantile(x, 0.5)
}

/// Median absolute deviation times 1.4826: a standard deviation that outliers cannot move.
#[must_use]
pub fn robust_sd(x: &[f64]) -> f64 {
    let m = median(x);
    let d: Vec<f64> = x.iter().map(|v| (v - m).abs()).collect();
    1.4826 * median(&d)
}

/// Pearson correlation; 0 when one side does not vary.
#[must_use]
pub fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let (ma, mb) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        ab += (x - ma) * (y - mb);
        aa += (x - ma) * (x - ma);
        bb += (y - mb) * (y - mb);
    }
    if aa <= 0.0 || bb <= 0.0 { 0.0 } else { ab / (aa * bb).sqrt() }
}

/// Ranks from 1, ties share their mean rank.
#[must_use]
pub fn ranks(x: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|&a, &b| x[a].total_cmp(&x[b]));
    let mut out = vec![0.0; x.len()];
    let mut i = 0;
    while i < order.len() {
        let mut j = i;
        while j + 1 < order.len() && x[order[j + 1]].total_cmp(&x[order[i]]).is_eq() {
            j += 1;
        }
        for &k in &order[i..=j] {
            out[k] = (i + j) as f64 / 2.0 + 1.0;
        }
        i = j + 1;
    }
    out
}

/// Two-sided p-value of a standard normal score.
#[must_use]
pub fn normal_two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// Median of the `2*half+1` values around each point (shorter at the ends).
#[must_use]
pub fn rolling_median(x: &[f64], half: usize) -> Vec<f64> {
    (0..x.len()).map(|i| median(&x[i.saturating_sub(half)..(i + half + 1).min(x.len())])).collect()
}

/// Least-squares line `y = a + b x`; returns `(a, b)`, slope 0 when x does not vary.
#[must_use]
pub fn line_fit(x: &[f64], y: &[f64]) -> (f64, f64) {
    let (mx, my) = (mean(x), mean(y));
    let (mut sxy, mut sxx) = (0.0, 0.0);
    for (a, b) in x.iter().zip(y) {
        sxy += (a - mx) * (b - my);
        sxx += (a - mx) * (a - mx);
    }
    let slope = if sxx > 0.0 { sxy / sxx } else { 0.0 };
    (my - slope * mx, slope)
}

/// A seeded random generator (xorshift-multiply, `SplitMix64`): same seed, same numbers on every CPU.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// Starts the sequence that belongs to `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A whole number below `n`; 0 when `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { ((self.uniform() * n as f64) as usize).min(n - 1) }
    }

    /// Standard normal (Box-Muller).
    pub fn normal(&mut self) -> f64 {
        let u = 1.0 - self.uniform();
        let v = self.uniform();
        (-2.0 * libm::log(u)).sqrt() * libm::cos(std::f64::consts::TAU * v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_ranks_and_lines() {
        assert!((quantile(&[1.0, 2.0, 3.0, 4.0], 0.25) - 1.75).abs() < 1e-12);
        assert_eq!(ranks(&[3.0, 1.0, 3.0]), vec![2.5, 1.0, 2.5]);
        let (a, b) = line_fit(&[0.0, 1.0, 2.0], &[1.0, 3.0, 5.0]);
        assert!((a - 1.0).abs() < 1e-12 && (b - 2.0).abs() < 1e-12);
        assert!((normal_two_sided(1.959_963_985) - 0.05).abs() < 1e-9);
        assert!(mean(&[]).is_nan() && median(&[]).is_nan() && sd(&[1.0], 1).is_nan());
    }

    #[test]
    fn the_generator_is_standard_normal_and_repeatable() {
        let mut r = Rng::new(7);
        let x: Vec<f64> = (0..20_000).map(|_| r.normal()).collect();
        assert!(mean(&x).abs() < 0.03 && (sd(&x, 1) - 1.0).abs() < 0.03);
        assert_eq!(Rng::new(7).next_u64(), Rng::new(7).next_u64());
    }
}
