//! Accuracy of language identification on single words, word pairs and sentences.
//!
//! `cargo run --release -p cuba-translate --example lid -- DIR...` where each DIR holds `<language>.txt` files with one
//! sentence a line. Words are distinct words of at least three letters that do not begin a sentence and are not
//! capitalised; a word that two of the candidate languages share counts as right for either.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};

use cuba_translate::LanguageCode;
use cuba_translate::detect::detect;

type Samples = BTreeMap<String, BTreeSet<String>>;

fn main() {
    let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for dir in std::env::args().skip(1) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let Some(code) = path.file_stem().and_then(|s| s.to_str()).filter(|s| s.len() == 2) else {
                continue;
            };
            let text = std::fs::read_to_string(&path).unwrap();
            lines.entry(code.to_owned()).or_default().extend(text.lines().map(str::to_owned));
        }
    }
    println!(
        "candidates        kind          n  best guess  answered  right/all  right/answered   each language: right/all / right/answered"
    );
    for set in ["en,es", "en,es,fr", "en,es,fr,pt", "de,en,es,fr", "de,en,es,fr,it,pt", ""] {
        let among: Vec<LanguageCode> =
            set.split(',').filter(|c| !c.is_empty()).map(|c| c.parse().unwrap()).collect();
        let tested: Vec<&str> =
            if set.is_empty() { vec!["de", "en", "es", "fr", "it", "pt"] } else { set.split(',').collect() };
        for kind in ["word", "pair", "sentence"] {
            let samples: BTreeMap<&str, BTreeSet<String>> =
                tested.iter().filter_map(|l| Some((*l, samples(lines.get(*l)?, kind)))).collect();
            report(set, kind, &samples, &among);
        }
    }
}

fn report(set: &str, kind: &str, samples: &BTreeMap<&str, BTreeSet<String>>, among: &[LanguageCode]) {
    let mut owners: Samples = BTreeMap::new();
    for (language, texts) in samples {
        for text in texts {
            owners.entry(text.clone()).or_default().insert((*language).to_owned());
        }
    }
    let (mut all, mut answered, mut right, mut best) = (0, 0, 0, 0);
    let mut margins: Vec<(f32, bool)> = Vec::new();
    let mut each: BTreeMap<&str, (u32, u32, u32)> = BTreeMap::new();
    for (language, texts) in samples {
        // Every n-th in alphabetical order, so that each language has about the same weight.
        for text in texts.iter().step_by((texts.len() / 1000).max(1)) {
            all += 1;
            let e = each.entry(language).or_default();
            e.0 += 1;
            let detection = detect(text, among, &[]);
            if let Some((first, p)) = detection.ranked.first() {
                let ok = owners[text].contains(first.base());
                best += u32::from(ok);
                margins.push((*p, ok));
            }
            if let Some(found) = detection.language {
                answered += 1;
                e.1 += 1;
                if owners[text].contains(found.base()) {
                    right += 1;
                    e.2 += 1;
                }
            }
        }
    }
    let percent = |a: u32, b: u32| 100.0 * f64::from(a) / f64::from(b.max(1));
    print!(
        "{:18}{kind:9}{all:6}  {:9.1}%  {:7.1}%  {:8.1}%  {:8.1}%   ",
        if set.is_empty() { "all" } else { set },
        percent(best, all),
        percent(answered, all),
        percent(right, all),
        percent(right, answered)
    );
    for (language, (n, a, r)) in each {
        print!(" {language} {:.0}/{:.0}", percent(r, n), percent(r, a));
    }
    println!();
    if std::env::var_os("SWEEP").is_some() && kind == "word" {
        for t in [0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75] {
            let a = margins.iter().filter(|m| m.0 >= t).count() as u32;
            let r = margins.iter().filter(|m| m.0 >= t && m.1).count() as u32;
            println!(
                "   p>={t}: answered {:.1} right/all {:.1} right/answered {:.1}",
                percent(a, all),
                percent(r, all),
                percent(r, a)
            );
        }
    }
}

fn samples(lines: &[String], kind: &str) -> BTreeSet<String> {
    if kind == "sentence" {
        return lines.iter().filter(|l| l.split_whitespace().count() >= 3).cloned().collect();
    }
    let mut out = BTreeSet::new();
    for line in lines {
        let words: Vec<&str> =
            line.split_whitespace().skip(1).map(|w| w.trim_matches(|c: char| !c.is_alphanumeric())).collect();
        let plain = |w: &str| w.chars().count() >= 3 && w.chars().all(char::is_lowercase);
        if kind == "word" {
            out.extend(words.iter().filter(|w| plain(w)).map(|w| (*w).to_owned()));
        } else {
            out.extend(words.windows(2).filter(|p| p.iter().all(|w| plain(w))).map(|p| p.join(" ")));
        }
    }
    out
}
