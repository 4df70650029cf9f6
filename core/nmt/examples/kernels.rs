//! Billions of int8 multiply-adds a second of every kernel this CPU can run, by rows of activations; the last line is one
//! JSON object.
//!
//! `cargo run --release -p cuba-nmt --example kernels -- [DEVIATION]`: weights are bell-shaped with that deviation of 127 (31
//! or less; 8 by default, about that of trained ones). The best of nine turns counts, by the clock: on a busy machine the
//! others say more about the neighbours.
#![allow(
    clippy::pedantic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a bench: it ends at the first surprise"
)]

use std::time::Instant;

#[path = "../tests/common/mod.rs"]
mod common;

use common::Random;
use cuba_nmt::kernel::{Activation, Affine, Int8Matrix, Isa, Kernels, Quantised};

/// Outputs and inputs: the layers of `tiny` and `base`, and an output table, which no near cache holds.
const SHAPES: [(usize, usize); 5] = [(256, 256), (512, 512), (1536, 256), (256, 1536), (32_000, 256)];
const ROWS: [usize; 4] = [1, 4, 8, 48];
const TURNS: usize = 9;

fn main() {
    let deviation: f32 = std::env::args().nth(1).map_or(8.0, |text| text.parse().unwrap());
    let mut random = Random(1);
    let mut json = Vec::new();
    for (n, k) in SHAPES {
        let weights: Vec<i8> = (0..n * k).map(|_| (random.bell() * deviation / 31.0) as i8).collect();
        for m in ROWS {
            let x: Vec<f32> = (0..m * k).map(|_| random.unit() * 4.0).collect();
            for kernels in Isa::available().into_iter().filter_map(Kernels::with_isa) {
                let best = best(kernels, &x, Int8Matrix::new(&weights, n, k).unwrap());
                let (speed, isa) = ((n * k * m) as f64 / best / 1e9, kernels.isa().name());
                println!("{n:6} x {k:4}, {m:2} rows  {isa:12} {speed:7.1} GMAC/s");
                json.push(format!(
                    "{{\"n\":{n},\"k\":{k},\"m\":{m},\"isa\":\"{isa}\",\"gmacs\":{speed:.1}}}"
                ));
            }
        }
    }
    println!("{{\"bench\":\"kernels\",\"deviation\":{deviation},\"results\":[{}]}}", json.join(","));
}

/// Seconds of the fastest product.
fn best(kernels: Kernels, x: &[f32], weights: Int8Matrix<'_>) -> f64 {
    let survey = kernels.survey(weights);
    let (n, k, m) = (weights.n(), weights.k(), x.len() / weights.k());
    let affine = Affine { unquant: 0.01, bias: None, activation: Activation::None };
    let (mut quantised, mut y) = (Quantised::new(), vec![0.0; m * n]);
    kernels.quantise(x, k, 31.0, &mut quantised);
    // Some milliseconds a turn.
    let repeats = (20_000_000 / (n * k * m)).max(1);
    let turn = |_| {
        let started = Instant::now();
        for _ in 0..repeats {
            kernels.linear(&mut quantised, weights.with_survey(&survey), affine, &mut y);
        }
        started.elapsed().as_secs_f64() / repeats as f64
    };
    (0..TURNS).map(turn).fold(f64::MAX, f64::min)
}
