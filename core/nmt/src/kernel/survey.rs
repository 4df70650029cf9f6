//! What a kernel may know of weights before it multiplies: where their products can be added in 16 bits.
//!
//! Two products of int8 always fit 16 bits, four or eight only while the weights are not all large. Trained weights
//! nearly never are: one look at each row, once, finds the blocks where they could be, and everywhere else the kernels
//! add more products before they widen. The sums stay exact for every input, as the bound is on the weights alone.

#![allow(clippy::indexing_slicing, reason = "the caller asserted the shapes")]

use super::int8::{CHUNK, Int8Matrix, Rows};
use super::{Isa, Kernels};
use std::ops::Range;

/// Weights of one bit of a mask.
pub(super) const BLOCK: usize = 64;

/// The widest row whose blocks fit a mask; wider ones take the careful path.
const WIDEST: usize = 32 * BLOCK;

/// The activations of this row must not be moved up by 127: sums in 16 bits would be too small somewhere.
pub(super) const NOT_MOVED: i32 = i32::MIN;

/// A look at an int8 matrix for one instruction set: eight bytes a row at most.
#[derive(Debug, Clone)]
pub struct Survey {
    isa: Isa,
    /// For each row, bit `b`: in the block `b` of [`BLOCK`] weights, 16-bit sums could be too small.
    large: Vec<u32>,
    /// For each row 127 times the sum of the weights in whole blocks, or [`NOT_MOVED`] (AVX2 only).
    moved: Vec<i32>,
}

/// What the weights of a block allow.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Block {
    /// The sizes of four weights that are added in 16 bits can sum to more than 258.
    pub(super) large: bool,
    /// The positive, or the negative, ones of them can sum to more than 129 (AVX2 only).
    pub(super) fixed: bool,
    /// The sum of all (AVX2 only).
    pub(super) sum: i32,
}

/// What is known of the rows of one chunk.
pub(super) struct Known {
    pub(super) large: [u32; CHUNK],
    /// 127 times the sum of the weights in whole blocks, or [`NOT_MOVED`].
    pub(super) moved: [i32; CHUNK],
}

impl Known {
    pub(super) const EMPTY: Self = Self { large: [0; CHUNK], moved: [0; CHUNK] };
}

impl Survey {
    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.large.len() * size_of::<u32>() + self.moved.len() * size_of::<i32>()
    }

    /// The share of blocks that need the careful path.
    pub fn careful(&self, k: usize) -> f64 {
        let blocks = self.large.len() * (k / BLOCK).max(1);
        f64::from(self.large.iter().map(|m| m.count_ones()).sum::<u32>()) / blocks.max(1) as f64
    }
}

impl Int8Matrix<'_> {
    /// What is known of the rows `outputs`; without a survey for `isa`, which this CPU must have, each is looked at.
    pub(super) fn known(&self, isa: Isa, rows: Rows<'_>, outputs: Range<usize>, known: &mut Known) {
        let survey = self.survey.filter(|survey| survey.isa == isa && survey.large.len() == self.n());
        let places = known.large.iter_mut().zip(&mut known.moved);
        match (survey, rows) {
            (Some(survey), Rows::All) => {
                known.large[..outputs.len()].copy_from_slice(&survey.large[outputs.clone()]);
                if !survey.moved.is_empty() {
                    known.moved[..outputs.len()].copy_from_slice(&survey.moved[outputs]);
                }
            }
            (Some(survey), Rows::Ids(ids)) => {
                for ((large, moved), &id) in places.zip(&ids[outputs]) {
                    *large = survey.large[id as usize];
                    *moved = survey.moved.get(id as usize).copied().unwrap_or(0);
                }
            }
            (None, _) => {
                for ((large, moved), i) in places.zip(outputs) {
                    (*large, *moved) = Kernels { isa }.look(self.row(rows.at(i)));
                }
            }
        }
    }
}

impl Kernels {
    /// Looks once at all weights of `w`; empty for instruction sets that have no use for it.
    pub fn survey(self, w: Int8Matrix<'_>) -> Survey {
        let mut survey = Survey { isa: self.isa(), large: Vec::new(), moved: Vec::new() };
        match self.isa() {
            Isa::Avx2 => (survey.large, survey.moved) = (0..w.n()).map(|i| self.look(w.row(i))).unzip(),
            Isa::Neon => survey.large = (0..w.n()).map(|i| self.look(w.row(i)).0).collect(),
            _ => {}
        }
        survey
    }

    /// The mask of large blocks of a row, and 127 times the sum of the weights in its whole blocks or [`NOT_MOVED`].
    fn look(self, row: &[i8]) -> (u32, i32) {
        let (blocks, _) = row.as_chunks::<BLOCK>();
        // A row without whole blocks has nothing to add in 16 bits.
        let (mut large, mut total, mut fixed) =
            (if row.len() > WIDEST { !0 } else { 0 }, 0, row.len() > WIDEST);
        for (b, block) in blocks.iter().enumerate() {
            let seen = self.look_at_block(block);
            if b < 32 {
                large |= u32::from(seen.large) << b;
            }
            fixed |= seen.fixed;
            total += seen.sum;
        }
        (large, if fixed { NOT_MOVED } else { total * 127 })
    }

    #[inline]
    fn look_at_block(self, block: &[i8; BLOCK]) -> Block {
        match self.isa() {
            // SAFETY: `Kernels` exist only for an instruction set that this CPU was found to have.
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code)]
            Isa::Avx2 => unsafe { super::avx2::look(block) },
            #[cfg(target_arch = "aarch64")]
            #[allow(unsafe_code)]
            Isa::Neon => Block { large: unsafe { super::neon::look(block) }, ..Block::default() },
            _ => Block::default(),
        }
    }
}
