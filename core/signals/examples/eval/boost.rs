//! A small histogram gradient-boosting trainer for the sleep model: soft-max over four classes, leaf-wise trees, seeded sampling.
//! Training lives beside the evaluation, because both need it: cross-validation trains a model for each left-out subject.

use cuba_signals::sleep::features::FEATURES;
use cuba_signals::sleep::stage::MAGIC;
use cuba_signals::stats::Rng;

/// One labelled epoch.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) x: [f64; FEATURES],
    pub(crate) class: usize,
}

const ROUNDS: usize = 320;
const LEAVES: usize = 8;
const RATE: f64 = 0.0125;
const MIN_CHILD: usize = 100;
const L2: f64 = 10.0;
const BINS: usize = 64;
const FEATURE_SHARE: f64 = 0.4;
const ROW_SHARE: f64 = 0.7;

struct Binned {
    edges: Vec<Vec<f32>>,
    columns: Vec<Vec<u8>>,
}

fn bin(rows: &[Row], features: usize) -> Binned {
    let (mut edges, mut columns) = (Vec::new(), Vec::new());
    for f in 0..features {
        let mut v: Vec<f32> = rows.iter().map(|r| r.x[f] as f32).collect();
        v.sort_by(f32::total_cmp);
        let mut e: Vec<f32> = (1..BINS).map(|b| v[b * (v.len() - 1) / BINS]).collect();
        e.dedup();
        columns.push(rows.iter().map(|r| e.partition_point(|t| *t < r.x[f] as f32) as u8).collect());
        edges.push(e);
    }
    Binned { edges, columns }
}

struct Leaf {
    rows: Vec<u32>,
    g: f64,
    h: f64,
    parent: Option<(usize, bool)>,
    best: Option<(f64, usize, u8)>,
}

fn best_split(b: &Binned, leaf: &Leaf, grad: &[(f64, f64)], tried: &[usize]) -> Option<(f64, usize, u8)> {
    let mut best: Option<(f64, usize, u8)> = None;
    let base = leaf.g * leaf.g / (leaf.h + L2);
    for &f in tried {
        let mut hist = [(0.0, 0.0, 0_usize); BINS];
        let col = &b.columns[f];
        for &r in &leaf.rows {
            let (g, h) = grad[r as usize];
            let cell = &mut hist[col[r as usize] as usize];
            cell.0 += g;
            cell.1 += h;
            cell.2 += 1;
        }
        let (mut gl, mut hl, mut nl) = (0.0, 0.0, 0);
        for (k, cell) in hist.iter().enumerate().take(b.edges[f].len()) {
            gl += cell.0;
            hl += cell.1;
            nl += cell.2;
            if nl < MIN_CHILD || leaf.rows.len() - nl < MIN_CHILD {
                continue;
            }
            let (gr, hr) = (leaf.g - gl, leaf.h - hl);
            let gain = gl * gl / (hl + L2) + gr * gr / (hr + L2) - base;
            if gain > best.map_or(1e-9, |x| x.0) {
                best = Some((gain, f, k as u8));
            }
        }
    }
    best
}

fn sums(rows: &[u32], grad: &[(f64, f64)]) -> (f64, f64) {
    rows.iter().fold((0.0, 0.0), |(g, h), &r| (g + grad[r as usize].0, h + grad[r as usize].1))
}

/// Splits as (feature, bin, left, right) and leaf values.
type Grown = (Vec<(usize, u8, i8, i8)>, Vec<f64>);

fn grow(b: &Binned, rows: Vec<u32>, grad: &[(f64, f64)], tried: &[usize]) -> Grown {
    let (g, h) = sums(&rows, grad);
    let mut first = Leaf { rows, g, h, parent: None, best: None };
    first.best = best_split(b, &first, grad, tried);
    let (mut leaves, mut splits) = (vec![first], Vec::<(usize, u8, i8, i8)>::new());
    while leaves.len() < LEAVES {
        let Some(k) = (0..leaves.len())
            .filter(|&k| leaves[k].best.is_some())
            .max_by(|&a, &c| leaves[a].best.unwrap().0.total_cmp(&leaves[c].best.unwrap().0))
        else {
            break;
        };
        let leaf = leaves.swap_remove(k);
        let (_, f, cut) = leaf.best.unwrap();
        let id = splits.len();
        splits.push((f, cut, 0, 0));
        link(&mut splits, leaf.parent, id as i8);
        let (left, right): (Vec<u32>, Vec<u32>) =
            leaf.rows.iter().partition(|&&r| b.columns[f][r as usize] <= cut);
        for (rows, is_left) in [(left, true), (right, false)] {
            let (g, h) = sums(&rows, grad);
            let mut l = Leaf { rows, g, h, parent: Some((id, is_left)), best: None };
            l.best = best_split(b, &l, grad, tried);
            leaves.push(l);
        }
    }
    let mut values = Vec::new();
    for (i, l) in leaves.iter().enumerate() {
        link(&mut splits, l.parent, -1 - i as i8);
        values.push(-RATE * l.g / (l.h + L2));
    }
    (splits, values)
}

fn link(splits: &mut [(usize, u8, i8, i8)], parent: Option<(usize, bool)>, child: i8) {
    if let Some((p, left)) = parent {
        if left { splits[p].2 = child } else { splits[p].3 = child }
    }
}

/// Trains and returns the bytes of a weights file. `changes` counts stage changes between neighbouring epochs.
pub(crate) fn train(rows: &[Row], changes: &[[f64; 4]; 4], features: usize, seed: u64) -> Vec<u8> {
    let b = bin(rows, features);
    let n = rows.len();
    let mut prior = [0.0; 4];
    for r in rows {
        prior[r.class] += 1.0 / n as f64;
    }
    let mut score: Vec<[f64; 4]> = vec![prior.map(libm::log); n];
    let mut rng = Rng::new(seed);
    let mut out = MAGIC.to_vec();
    out.push(features as u8);
    for p in prior {
        out.extend((p as f32).to_le_bytes());
    }
    for row in changes {
        let sum: f64 = row.iter().sum::<f64>() + 4.0;
        for c in row {
            out.extend((((c + 1.0) / sum) as f32).to_le_bytes());
        }
    }
    out.extend(((ROUNDS * 4) as u16).to_le_bytes());
    for _ in 0..ROUNDS {
        let bag: Vec<u32> = (0..n as u32).filter(|_| rng.uniform() < ROW_SHARE).collect();
        let p: Vec<[f64; 4]> = score.iter().map(soft_max).collect();
        for class in 0..4 {
            let grad: Vec<(f64, f64)> = p
                .iter()
                .zip(rows)
                .map(|(p, r)| {
                    (
                        p[class] - f64::from(u8::from(r.class == class)),
                        (p[class] * (1.0 - p[class]) * 4.0 / 3.0).max(1e-9),
                    )
                })
                .collect();
            let mut order: Vec<usize> = (0..features).collect();
            for i in 0..features {
                order.swap(i, i + rng.below(features - i));
            }
            let tried = &order[..((features as f64 * FEATURE_SHARE).round() as usize).max(1)];
            let (splits, values) = grow(&b, bag.clone(), &grad, tried);
            for (r, s) in score.iter_mut().enumerate() {
                s[class] += value(&b, &splits, &values, r);
            }
            out.push(splits.len() as u8);
            for (f, cut, left, right) in &splits {
                out.push(*f as u8);
                out.extend(b.edges[*f][*cut as usize].to_le_bytes());
                out.extend([*left as u8, *right as u8]);
            }
            for v in &values {
                out.extend((*v as f32).to_le_bytes());
            }
        }
    }
    out
}

fn value(b: &Binned, splits: &[(usize, u8, i8, i8)], values: &[f64], row: usize) -> f64 {
    let mut at = if splits.is_empty() { -1 } else { 0 };
    while at >= 0 {
        let (f, cut, left, right) = splits[at as usize];
        at = if b.columns[f][row] <= cut { left } else { right };
    }
    values[(-1 - at) as usize]
}

fn soft_max(s: &[f64; 4]) -> [f64; 4] {
    let top = s.iter().copied().fold(f64::MIN, f64::max);
    let e = s.map(|v| libm::exp(v - top));
    let sum: f64 = e.iter().sum();
    e.map(|v| v / sum)
}
