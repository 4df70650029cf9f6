//! BLEU and chrF, equal to sacreBLEU's defaults to the last shown digit, so that figures can be compared.
//!
//! - [`bleu`]: corpus BLEU-4, tokenizer 13a, mixed case, exponential smoothing
//!   (`nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp`); Papineni et al. 2002, Post 2018.
//! - [`chrf`]: corpus chrF2, character n-grams 1 to 6, white space removed
//!   (`nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no`); Popović 2015.
//!
//! `tests/golden_metrics.rs` holds values computed with sacreBLEU itself.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

/// Corpus BLEU in percent; `None` unless there are as many hypotheses as references.
///
/// ```
/// let score = cuba_translate::metrics::bleu(&["The cat sat on the mat."], &["The cat sat on a mat."]).unwrap();
/// assert_eq!(format!("{score:.2}"), "48.89");
/// ```
pub fn bleu<H: AsRef<str>, R: AsRef<str>>(hypotheses: &[H], references: &[R]) -> Option<f64> {
    const ORDER: usize = 4;
    if hypotheses.len() != references.len() {
        return None;
    }
    let (mut correct, mut total) = ([0_u64; ORDER], [0_u64; ORDER]);
    let (mut hypothesis_len, mut reference_len) = (0, 0);
    for (hypothesis, reference) in hypotheses.iter().zip(references) {
        let (h, r) = (tokenize_13a(hypothesis.as_ref()), tokenize_13a(reference.as_ref()));
        hypothesis_len += h.len();
        reference_len += r.len();
        for (n, (correct, total)) in correct.iter_mut().zip(&mut total).enumerate() {
            let (found, wanted) = (counts(&h, n + 1), counts(&r, n + 1));
            *total += found.values().sum::<u64>();
            *correct += matches(&found, &wanted);
        }
    }
    if correct.iter().all(|c| *c == 0) {
        return Some(0.0);
    }
    let mut smooth = 1.0;
    let mut logs = 0.0;
    for (correct, total) in correct.into_iter().zip(total) {
        logs += match (correct, total) {
            // Too short for an n-gram of this order: no score without effective order.
            (_, 0) => return Some(0.0),
            (0, total) => {
                smooth *= 2.0;
                (100.0 / (smooth * total as f64)).ln()
            }
            (correct, total) => (100.0 * correct as f64 / total as f64).ln(),
        };
    }
    let brevity = if hypothesis_len >= reference_len {
        1.0
    } else {
        (1.0 - reference_len as f64 / hypothesis_len as f64).exp()
    };
    Some(brevity * (logs / ORDER as f64).exp())
}

/// Corpus chrF2 in percent; `None` unless there are as many hypotheses as references.
///
/// ```
/// let score = cuba_translate::metrics::chrf(&["The cat sat on the mat."], &["The cat sat on a mat."]).unwrap();
/// assert_eq!(format!("{score:.2}"), "71.42");
/// ```
pub fn chrf<H: AsRef<str>, R: AsRef<str>>(hypotheses: &[H], references: &[R]) -> Option<f64> {
    const ORDER: usize = 6;
    const BETA_SQUARED: f64 = 4.0;
    if hypotheses.len() != references.len() {
        return None;
    }
    // For each order: n-grams of the hypotheses, of the references, common ones.
    let mut sums = [(0_u64, 0_u64, 0_u64); ORDER];
    for (hypothesis, reference) in hypotheses.iter().zip(references) {
        let (h, r) = (letters(hypothesis.as_ref()), letters(reference.as_ref()));
        for (n, (found_sum, wanted_sum, common)) in sums.iter_mut().enumerate() {
            let (found, wanted) = (counts(&h, n + 1), counts(&r, n + 1));
            // Where the reference is too short for this order, the hypothesis is not blamed.
            *found_sum += if wanted.is_empty() { 0 } else { found.values().sum() };
            *wanted_sum += wanted.values().sum::<u64>();
            *common += matches(&found, &wanted);
        }
    }
    let (mut precision, mut recall, mut orders) = (0.0, 0.0, 0.0);
    for (found, wanted, common) in sums {
        if found > 0 && wanted > 0 {
            precision += common as f64 / found as f64;
            recall += common as f64 / wanted as f64;
            orders += 1.0;
        }
    }
    if precision + recall == 0.0 {
        return Some(0.0);
    }
    let (precision, recall) = (precision / orders, recall / orders);
    Some(100.0 * (1.0 + BETA_SQUARED) * precision * recall / (BETA_SQUARED * precision + recall))
}

fn counts<T: std::hash::Hash + Eq>(items: &[T], order: usize) -> HashMap<&[T], u64> {
    let mut counts = HashMap::new();
    for gram in items.windows(order) {
        *counts.entry(gram).or_insert(0) += 1;
    }
    counts
}

fn matches<T: std::hash::Hash + Eq>(found: &HashMap<&[T], u64>, wanted: &HashMap<&[T], u64>) -> u64 {
    found.iter().filter_map(|(gram, n)| wanted.get(gram).map(|m| n.min(m))).sum()
}

fn letters(text: &str) -> Vec<char> {
    text.chars().filter(|c| !is_python_space(*c)).collect()
}

/// White space as Python's `str.split` sees it: four separators more than Unicode has.
fn is_python_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1C}'..='\u{1F}')
}

/// The tokenizer of mteval-v13a as sacreBLEU has it: ASCII punctuation apart, full stops and commas but in numbers.
pub fn tokenize_13a(line: &str) -> Vec<String> {
    static STEPS: LazyLock<[(Regex, &str); 4]> = LazyLock::new(|| {
        let regex = |pattern| Regex::new(pattern).expect("the pattern is constant and a test compiles it");
        [
            (regex(r"([\{-\~\[-\x60 -\&\(-\+\:-\@/])"), " $1 "),
            (regex(r"([^0-9])([\.,])"), "$1 $2 "),
            (regex(r"([\.,])([^0-9])"), " $1 $2"),
            (regex(r"([0-9])(-)"), "$1 $2 "),
        ]
    });
    let mut text = line.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    if text.contains('&') {
        text = text.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
    }
    text = format!(" {text} ");
    for (pattern, replacement) in STEPS.iter() {
        text = pattern.replace_all(&text, *replacement).into_owned();
    }
    text.split(is_python_space).filter(|t| !t.is_empty()).map(str::to_owned).collect()
}
