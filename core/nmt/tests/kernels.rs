//! Every kernel this CPU can run gives the bits of the reference, and the reference gives the bits of every other CPU.
//!
//! Run it natively and, cross-compiled, under emulated CPUs (`scripts/cross-cpu`).
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::too_many_arguments,
    reason = "a plain loop is the reference here, and bits are compared as bits"
)]

use cuba_nmt::kernel::{Activation, Affine, Best, Int8Matrix, Isa, Kernels, Keys, Quantised, Rows, TopK};
use proptest::prelude::*;

/// A small generator of repeatable numbers (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In -1.0..1.0.
    fn float(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn floats(&mut self, n: usize, scale: f32) -> Vec<f32> {
        (0..n).map(|_| self.float() * scale).collect()
    }

    fn bytes(&mut self, n: usize) -> Vec<i8> {
        (0..n).map(|_| self.next() as i8).collect()
    }

    /// The extremes, where 16-bit sums would overflow first.
    fn extremes(&mut self, n: usize) -> Vec<i8> {
        (0..n).map(|_| [-128, -127, 127, 127][(self.next() % 4) as usize]).collect()
    }
}

fn every_kernel() -> Vec<Kernels> {
    Isa::available().into_iter().map(|isa| Kernels::with_isa(isa).unwrap()).collect()
}

/// The definition, in 64 bits.
fn reference(x: &[f32], k: usize, mult: f32, w: &[i8], ids: &[usize], affine: &Affine<'_>) -> Vec<f32> {
    let mut y = Vec::new();
    for x in x.chunks_exact(k) {
        for &id in ids {
            let sum: i64 = x
                .iter()
                .zip(&w[id * k..(id + 1) * k])
                .map(|(&x, &w)| (x * mult).round_ties_even().clamp(-127.0, 127.0) as i64 * i64::from(w))
                .sum();
            let mut v = sum as f32 * affine.unquant;
            if let Some(bias) = affine.bias {
                v += bias[id];
            }
            y.push(if affine.activation == Activation::Relu && v <= 0.0 { 0.0 } else { v });
        }
    }
    y
}

fn bits(v: &[f32]) -> Vec<u32> {
    v.iter().map(|v| v.to_bits()).collect()
}

fn check_linear(
    m: usize,
    k: usize,
    n: usize,
    x: &[f32],
    w: &[i8],
    bias: Option<&[f32]>,
    relu: bool,
    ids: &[u32],
) {
    let activation = if relu { Activation::Relu } else { Activation::None };
    let affine = Affine { unquant: 1.0 / (31.7 * 12.1), bias, activation };
    let matrix = Int8Matrix::new(w, n, k).unwrap();
    let all: Vec<usize> = (0..n).collect();
    let some: Vec<usize> = ids.iter().map(|&i| i as usize).collect();
    let want_all = reference(x, k, 31.7, w, &all, &affine);
    let want_some = reference(x, k, 31.7, w, &some, &affine);
    for kernels in every_kernel() {
        let mut q = Quantised::new();
        kernels.quantise(x, k, 31.7, &mut q);
        let mut y = vec![f32::NAN; m * n];
        kernels.linear(&mut q, matrix, affine, &mut y);
        assert_eq!(bits(&y), bits(&want_all), "{} m {m} k {k} n {n}", kernels.isa().name());
        let survey = kernels.survey(matrix);
        kernels.linear(&mut q, matrix.with_survey(&survey), affine, &mut y);
        assert_eq!(bits(&y), bits(&want_all), "{} surveyed, m {m} k {k} n {n}", kernels.isa().name());
        let mut y = vec![f32::NAN; m * ids.len()];
        kernels.linear_rows(&mut q, matrix, Rows::Ids(ids), affine, &mut y);
        assert_eq!(bits(&y), bits(&want_some), "{} m {m} k {k} ids {ids:?}", kernels.isa().name());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn linear_layers_are_exact(
        m in 1usize..20, k in 1usize..400, n in 1usize..150, seed: u64, extreme: bool, nonnegative: bool, small in 0u32..5, relu: bool, biased: bool,
        picks in 1usize..40,
    ) {
        let mut numbers = Numbers(seed);
        let mut w = if extreme { numbers.extremes(n * k) } else { numbers.bytes(n * k) };
        // Small weights with few large ones among them: blocks on both sides of the bounds of 16-bit sums.
        for w in w.iter_mut() {
            *w = if numbers.next().is_multiple_of(97) { *w } else { *w >> small };
        }
        let mut x = numbers.floats(m * k, 6.0);
        if extreme {
            x.iter_mut().for_each(|v| *v = if *v < 0.0 { -1e9 } else { 1e9 });
        }
        if nonnegative {
            x.iter_mut().for_each(|v| *v = v.max(0.0));
        }
        let bias = numbers.floats(n, 2.0);
        let ids: Vec<u32> = (0..picks).map(|_| (numbers.next() % n as u64) as u32).collect();
        check_linear(m, k, n, &x, &w, biased.then_some(&bias[..]), relu, &ids);
    }

    #[test]
    fn projections_pick_the_best(m in 1usize..6, n in 1usize..400, k in 1usize..40, seed: u64) {
        let mut numbers = Numbers(seed);
        let w = numbers.bytes(n * k);
        let x = numbers.floats(m * k, 5.0);
        let bias = numbers.floats(n, 1.0);
        let affine = Affine { unquant: 0.003, bias: Some(&bias), activation: Activation::None };
        let matrix = Int8Matrix::new(&w, n, k).unwrap();
        let mut first: Option<(Vec<u32>, Vec<u32>)> = None;
        for kernels in every_kernel() {
            let mut q = Quantised::new();
            kernels.quantise(&x, k, 31.7, &mut q);
            let mut y = vec![0.0; m * n];
            kernels.linear(&mut q, matrix, affine, &mut y);
            let mut best = Best::new(m, true);
            kernels.project(&mut q, matrix, Rows::All, affine, &mut best);
            let mut top = TopK::new(m, 5);
            kernels.project(&mut q, matrix, Rows::All, affine, &mut top);
            for (row, y) in y.chunks_exact(n).enumerate() {
                let mut order: Vec<usize> = (0..n).collect();
                order.sort_by(|&a, &b| y[b].total_cmp(&y[a]).then(a.cmp(&b)));
                prop_assert_eq!(best.id(row) as usize, order[0]);
                prop_assert_eq!(best.logit(row), y[order[0]]);
                let ids: Vec<usize> = top.row(row).map(|t| t.0 as usize).collect();
                prop_assert_eq!(&ids[..], &order[..5.min(n)]);
                prop_assert_eq!(top.row(row).next().unwrap().1, best.log_prob(row).unwrap());
                let mut p = y.to_vec();
                kernels.log_softmax(&mut p);
                prop_assert!((p[order[0]] - best.log_prob(row).unwrap()).abs() < 1e-4);
            }
            let probs = (0..m).map(|r| best.log_prob(r).unwrap().to_bits()).collect();
            let ids = (0..m).map(|r| best.id(r)).collect();
            let found = (ids, probs);
            prop_assert_eq!(first.get_or_insert_with(|| found.clone()), &found);
        }
    }

    #[test]
    fn floats_are_those_of_the_portable_code(n in 1usize..100, rows in 1usize..6, heads in 1usize..4, seed: u64) {
        let portable = fingerprints(Kernels::with_isa(Isa::Portable).unwrap(), n, rows, heads, seed);
        for kernels in every_kernel() {
            let isa = kernels.isa().name();
            for (a, b) in fingerprints(kernels, n, rows, heads, seed).iter().zip(&portable) {
                prop_assert_eq!(a, b, "{}", isa);
            }
        }
    }
}

#[test]
fn real_shapes_are_exact() {
    let mut numbers = Numbers(7);
    for (m, k, n) in [
        (1, 256, 131),
        (1, 1536, 9),
        (2, 384, 70),
        (5, 512, 33),
        (49, 256, 20),
        (97, 64, 5),
        (8, 2048, 6),
        (21, 1100, 40),
    ] {
        let w = numbers.extremes(n * k);
        let x: Vec<f32> =
            numbers.floats(m * k, 1.0).iter().map(|v| if *v < 0.5 { -99.0 } else { 99.0 }).collect();
        let bias = numbers.floats(n, 2.0);
        check_linear(m, k, n, &x, &w, Some(&bias), false, &[0, (n - 1) as u32, 1]);
    }
}

#[test]
fn quantising_rounds_half_to_even_and_saturates() {
    let x = [
        0.5,
        1.5,
        2.5,
        -0.5,
        -1.5,
        126.5,
        127.4,
        300.0,
        -127.6,
        -1e30,
        f32::INFINITY,
        f32::NEG_INFINITY,
        0.0,
    ];
    let want = [0, 2, 2, 0, -2, 126, 127, 127, -127, -127, 127, -127, 0];
    for kernels in every_kernel() {
        let mut bytes = [1i8; 13];
        kernels.quantise_bytes(&x, 1.0, &mut bytes);
        assert_eq!(bytes, want);
    }
}

/// The output of every float kernel for one seed, as (name, bits).
fn fingerprints(
    kernels: Kernels,
    n: usize,
    rows: usize,
    heads: usize,
    seed: u64,
) -> Vec<(&'static str, Vec<u32>)> {
    let mut numbers = Numbers(seed);
    let mut out = Vec::new();
    let (a, b) = (numbers.floats(n * rows, 3.0), numbers.floats(n * rows, 3.0));
    out.push(("dot", vec![kernels.dot(&a, &b).to_bits()]));
    out.push(("max", vec![kernels.max(&a).to_bits()]));
    out.push(("sum_exp", vec![kernels.sum_exp(&a, 3.0).to_bits()]));
    let mut apply = |name, f: &dyn Fn(&mut [f32])| {
        let mut x = a.clone();
        f(&mut x);
        out.push((name, bits(&x)));
    };
    let (gamma, beta) = (&b[..n], &a[..n]);
    apply("softmax", &|x| kernels.softmax(x));
    apply("log_softmax", &|x| kernels.log_softmax(x));
    apply("layer_norm", &|x| kernels.layer_norm(x, gamma, Some(beta), 1e-6));
    apply("layer_norm without beta", &|x| kernels.layer_norm(x, gamma, None, 1e-6));
    apply("add_layer_norm", &|x| kernels.add_layer_norm(x, &b, gamma, Some(beta), 1e-6));
    apply("sigmoid", &|x| kernels.sigmoid(x));
    apply("swish", &|x| kernels.swish(x));
    apply("relu", &|x| kernels.relu(x));
    apply("highway", &|x| kernels.highway(x, &b, &a));
    apply("ssru", &|x| {
        let mut h = vec![0.0; x.len()];
        kernels.ssru_step(x, &b, &a, &mut h);
        kernels.add(x, &h);
        kernels.scale(x, 0.3);
    });
    let (w, bias) = (numbers.floats(n * 21, 1.0), numbers.floats(21, 1.0));
    let mut y = vec![0.0; rows * 21];
    kernels.matmul_nn(&a, &w, n, 21, Some(&bias), &mut y);
    out.push(("matmul_nn", bits(&y)));
    kernels.matmul_nt(&a, &w, n, 21, Some(&bias), &mut y);
    out.push(("matmul_nt", bits(&y)));
    out.push(("attend", bits(&attention(kernels, &mut numbers, n, heads))));
    out
}

/// Attention over `len` keys that were filled, and over the same keys pushed one by one.
fn attention(kernels: Kernels, numbers: &mut Numbers, len: usize, heads: usize) -> Vec<f32> {
    let dim = heads * [4, 32, 44][len % 3];
    let (q, k, v) =
        (numbers.floats(dim, 2.0), numbers.floats(len * dim, 2.0), numbers.floats(len * dim, 2.0));
    let mut keys = Keys::new(dim);
    keys.fill(&k, dim);
    let (mut weights, mut out) = (vec![f32::NAN; heads * keys.capacity()], vec![f32::NAN; dim]);
    kernels.attend(&q, &keys, &v, heads, 0.2, &mut weights, &mut out);
    let mut pushed = Keys::new(dim);
    k.chunks_exact(dim).for_each(|key| pushed.push(key));
    let (mut weights2, mut out2) = (vec![f32::NAN; heads * pushed.capacity()], vec![f32::NAN; dim]);
    kernels.attend(&q, &pushed, &v, heads, 0.2, &mut weights2, &mut out2);
    assert_eq!(bits(&out), bits(&out2));
    for head in 0..heads {
        let first = &weights[head * keys.capacity()..][..len];
        assert_eq!(bits(first), bits(&weights2[head * pushed.capacity()..][..len]));
        assert!((first.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
    out
}

#[test]
fn attention_follows_its_definition() {
    let mut numbers = Numbers(3);
    let (dim, heads, len) = (64, 2, 13);
    let (q, k, v) =
        (numbers.floats(dim, 1.0), numbers.floats(len * dim, 1.0), numbers.floats(len * dim, 1.0));
    let mut keys = Keys::new(dim);
    keys.fill(&k, dim);
    for kernels in every_kernel() {
        let (mut weights, mut out) = (vec![0.0; heads * keys.capacity()], vec![0.0; dim]);
        kernels.attend(&q, &keys, &v, heads, 0.5, &mut weights, &mut out);
        for head in 0..heads {
            let part = |row: &[f32], j: usize| -> Vec<f64> {
                row[j * dim + head * 32..][..32].iter().map(|&v| f64::from(v)).collect()
            };
            let scores: Vec<f64> = (0..len)
                .map(|j| (part(&q, 0).iter().zip(part(&k, j)).map(|(a, b)| a * b).sum::<f64>() * 0.5).exp())
                .collect();
            let total: f64 = scores.iter().sum();
            for (c, got) in part(&out, 0).iter().enumerate() {
                let want: f64 = (0..len).map(|j| scores[j] / total * part(&v, j)[c]).sum();
                assert!((want - got).abs() < 1e-5, "{want} {got}");
            }
        }
    }
}

/// FNV-1a over the bits of all float kernels for fixed inputs: the same number on every CPU, or a translation could
/// differ between a phone and the desktop it was tested on.
#[test]
fn floats_have_the_golden_bits() {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for (n, rows, heads, seed) in [(24, 3, 2, 1), (256, 2, 8, 2), (37, 1, 1, 3), (384, 4, 3, 4)] {
        for (_, values) in fingerprints(Kernels::detect(), n, rows, heads, seed) {
            for byte in values.iter().flat_map(|v| v.to_le_bytes()) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
    }
    assert_eq!(hash, GOLDEN, "{hash:#x}");
}

const GOLDEN: u64 = 0x5fb3_5bac_7bc7_7331;
