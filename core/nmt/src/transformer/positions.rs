//! Sinusoidal positions, as Marian's transformer adds them.

use std::sync::OnceLock;

/// Positions computed together. A page is made when a sentence first reaches it: opening a model costs none of them.
const PAGE: usize = 32;

/// `sin(position * rate[i])` in the first half of the columns, `cos` in the second, with rates that fall from 1 to
/// 1/10,000 in equal ratios. Computed in double precision with the plain Rust `libm`, so every CPU has the same bits.
#[derive(Debug)]
pub(crate) struct Positions {
    dim: usize,
    pages: Vec<OnceLock<Box<[f32]>>>,
}

impl Positions {
    /// For vectors of `dim` values and positions below `limit`, rounded up to whole pages.
    pub(crate) fn new(dim: usize, limit: usize) -> Self {
        Self { dim, pages: (0..limit.div_ceil(PAGE)).map(|_| OnceLock::new()).collect() }
    }

    /// Number of positions there are.
    pub(crate) fn limit(&self) -> usize {
        self.pages.len() * PAGE
    }

    /// The vector of one position; positions past the limit repeat the last one.
    pub(crate) fn row(&self, position: usize) -> &[f32] {
        let position = position.min(self.limit().saturating_sub(1));
        let Some(page) = self.pages.get(position / PAGE) else { return &[] };
        let rows = page.get_or_init(|| self.page(position / PAGE * PAGE));
        let start = position % PAGE * self.dim;
        rows.get(start..start + self.dim).unwrap_or_default()
    }

    fn page(&self, first: usize) -> Box<[f32]> {
        let half = self.dim / 2;
        let step = if half > 1 { libm::log(10_000.0) / (half as f64 - 1.0) } else { 0.0 };
        let mut rows = vec![0.0; PAGE * self.dim];
        for (offset, row) in rows.chunks_exact_mut(self.dim).enumerate() {
            let (sines, cosines) = row.split_at_mut(half);
            for (i, (sine, cosine)) in sines.iter_mut().zip(cosines).enumerate() {
                let angle = (first + offset) as f64 * libm::exp(-(i as f64) * step);
                (*sine, *cosine) = (libm::sin(angle) as f32, libm::cos(angle) as f32);
            }
        }
        rows.into_boxed_slice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_fall_from_one_to_a_ten_thousandth() {
        let positions = Positions::new(8, 100);
        assert_eq!(positions.limit(), 128);
        assert_eq!(positions.row(0), [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
        let row = positions.row(33);
        assert!((row[0] - 33f32.sin()).abs() < 1e-6 && (row[4] - 33f32.cos()).abs() < 1e-6);
        assert!((row[3] - 0.0033f32.sin()).abs() < 1e-7);
        assert_eq!(positions.row(5000), positions.row(127));
    }
}
