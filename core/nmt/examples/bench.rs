//! Words per second and memory, ours beside fxtranslate's, in the same run; the last line is one JSON object.
//!
//! `cargo run --release -p cuba-nmt --example bench -- [--shape NAME]... [--model FILE --vocab FILE] [--text FILE]
//! [--sentences N] [--rounds N] [--isa NAME]...`
//!
//! Without `--model`, models of random weights in the shapes of released ones (`tiny`, `base-memory`, `base`) are made in
//! a temporary folder. Each measurement is a process of its own, so that its peak memory is its own; the engines take
//! turns, and medians over the rounds count: of the words per second, and of the ratios of one round. Seconds are CPU
//! seconds of the one working thread: on a busy machine wall time says more about the neighbours. `ours` returns
//! log-probabilities and word alignment as the library does by default; `bare` leaves both out, as fxtranslate does.
//! Ours runs on the best kernels that the CPU has, or on each `--isa` (`portable`, `avx2`, `avx512-vnni`); the peer always
//! on its own. `--prepare DIR` only writes model, vocabulary and text there.
#![allow(
    clippy::pedantic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::type_complexity,
    unsafe_code,
    reason = "a bench: it ends at the first surprise, and reads its own processor time from the system"
)]

#[cfg(target_arch = "x86_64")]
#[path = "../tests/common/mod.rs"]
mod common;

#[cfg(target_arch = "x86_64")]
mod run {
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::time::Instant;

    use super::common::{Random, Shape, model, spm};
    use cuba_nmt::kernel::Isa;
    use cuba_nmt::{Cancel, Model, ModelFiles, Options, Source};

    /// What one child measured.
    #[derive(Debug, Clone, Copy, Default)]
    struct Measured {
        /// CPU seconds for the whole text.
        seconds: f64,
        /// Wall seconds until the first sentence of a fresh process was translated, the model opened in that time.
        first: f64,
        /// Peak resident memory in MiB.
        peak: f64,
        /// Of that, anonymous at the end.
        anonymous: f64,
        tokens: usize,
    }

    /// The middle one of the rounds.
    fn median(rounds: &[Measured], of: impl Fn(&Measured) -> f64) -> f64 {
        let mut values: Vec<f64> = rounds.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        let half = values.len() / 2;
        if values.len() % 2 == 1 { values[half] } else { (values[half - 1] + values[half]) / 2.0 }
    }

    /// CPU seconds of this process so far.
    fn cpu_seconds() -> f64 {
        let stat = std::fs::read_to_string("/proc/self/schedstat").expect("Linux with scheduler statistics");
        stat.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
    }

    fn status(field: &str) -> f64 {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
        let line = status.lines().find(|line| line.starts_with(field)).expect("a field of /proc/self/status");
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }

    /// Translates all lines with one engine, at once or one by one; prints what it measured.
    pub(crate) fn child(engine: &str, isa: &str, task: &str, folder: &Path) {
        let text = std::fs::read_to_string(folder.join("text")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let (model, vocab) = (folder.join("model.bin"), folder.join("vocab.spm"));
        let started = Instant::now();
        let translate: Box<dyn Fn(&[&str]) -> usize> = if engine == "fxtranslate" {
            let engine = fxtranslate::engine::Engine::load_mmapped(&model, &vocab, &vocab).unwrap();
            Box::new(move |lines| {
                let (texts, timing) = engine.translate_batch_timed(lines);
                std::hint::black_box(texts);
                timing.tokens
            })
        } else {
            let mut model = Model::open(&ModelFiles::shared(&model, &vocab)).unwrap();
            assert!(Isa::from_name(isa).is_some_and(|isa| model.use_isa(isa)), "no kernels {isa} here");
            let signs = engine == "ours";
            let options = Options { log_probs: signs, alignment: signs, ..Options::default() };
            Box::new(move |lines| {
                let sources: Vec<Source> = lines.iter().map(|&line| Source::from(line)).collect();
                let done = model.translate_batch(&sources, &options, &Cancel::new(), &|_| ()).unwrap();
                done.iter().map(|t| t.tokens.len()).sum()
            })
        };
        translate(&lines[..1]);
        let first = started.elapsed().as_secs_f64();
        let before = cpu_seconds();
        let tokens: usize = match task {
            // fxtranslate pads a batch to its longest sentence: like its own command, 32 lines of similar length.
            "batch" => lines.chunks(if engine == "fxtranslate" { 32 } else { 256 }).map(&translate).sum(),
            _ => lines.iter().map(|line| translate(&[line])).sum(),
        };
        let seconds = cpu_seconds() - before;
        println!("{seconds} {first} {} {} {tokens}", status("VmHWM"), status("RssAnon"));
    }

    fn measure([engine, isa]: [&str; 2], task: &str, folder: &Path) -> Measured {
        let exe = std::env::current_exe().unwrap();
        let out = Command::new(exe).args(["--child", engine, isa, task]).arg(folder).output().unwrap();
        assert!(out.status.success(), "{engine} failed: {}", String::from_utf8_lossy(&out.stderr));
        let text = String::from_utf8(out.stdout).unwrap();
        let n: Vec<f64> = text.split_whitespace().map(|n| n.parse().unwrap()).collect();
        Measured { seconds: n[0], first: n[1], peak: n[2], anonymous: n[3], tokens: n[4] as usize }
    }

    #[derive(Debug)]
    struct Request {
        shapes: Vec<String>,
        files: Option<(PathBuf, PathBuf)>,
        text: Option<PathBuf>,
        sentences: usize,
        rounds: usize,
        prepare: Option<PathBuf>,
        isas: Vec<String>,
    }

    fn request() -> Request {
        let mut request = Request {
            shapes: vec![],
            files: None,
            text: None,
            sentences: 96,
            rounds: 3,
            prepare: None,
            isas: vec![],
        };
        let (mut model, mut vocab) = (None, None);
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| panic!("{arg} needs a value"));
            match arg.as_str() {
                "--shape" => request.shapes.push(value()),
                "--model" => model = Some(PathBuf::from(value())),
                "--vocab" => vocab = Some(PathBuf::from(value())),
                "--text" => request.text = Some(PathBuf::from(value())),
                "--sentences" => request.sentences = value().parse().unwrap(),
                "--rounds" => request.rounds = value().parse().unwrap(),
                "--isa" => request.isas.push(value()),
                "--prepare" => request.prepare = Some(PathBuf::from(value())),
                _ => panic!("unknown argument {arg}"),
            }
        }
        request.files = model.zip(vocab);
        if request.shapes.is_empty() {
            request.shapes = ["tiny", "base-memory", "base"].map(str::to_owned).into();
        }
        if request.isas.is_empty() {
            request.isas.push(Isa::detect().name().to_owned());
        }
        request
    }

    fn shape(name: &str) -> Shape {
        match name {
            "tiny" => Shape::tiny(),
            "base-memory" => Shape::base_memory(),
            "base" => Shape::base(),
            _ => panic!("no shape {name}: tiny, base-memory, base"),
        }
    }

    /// Lines of 4 to 30 words of syllables that the made vocabulary has as one or two pieces, as real text mostly does.
    fn made_up(lines: usize, seed: u64) -> String {
        let mut random = Random(seed);
        let (consonants, vowels) = (b"tnsrldmcpgbvfhk", b"eaoiu");
        let mut text = String::new();
        for _ in 0..lines {
            for word in 0..4 + random.below(27) {
                text.push_str(if word == 0 { "" } else { " " });
                for _ in 0..1 + random.below(2) {
                    text.push(char::from(consonants[random.below(15)]));
                    text.push(char::from(vowels[random.below(5)]));
                    text.push(char::from(consonants[random.below(15)]));
                }
            }
            text.push_str(".\n");
        }
        text
    }

    /// Lays the files of one model and the text into a folder.
    fn prepare(name: &str, request: &Request, folder: &Path) -> usize {
        if let Some((model, vocab)) = &request.files {
            std::fs::copy(model, folder.join("model.bin")).unwrap();
            std::fs::copy(vocab, folder.join("vocab.spm")).unwrap();
        } else {
            let shape = shape(name);
            std::fs::write(folder.join("model.bin"), model(&shape, 1)).unwrap();
            std::fs::write(folder.join("vocab.spm"), spm(shape.vocab).write()).unwrap();
        }
        let text = match &request.text {
            Some(path) => std::fs::read_to_string(path).unwrap(),
            None => made_up(request.sentences, 5),
        };
        let mut lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines.truncate(request.sentences);
        // By length, so that the peer, which pads, does not pay for a disorder that it could avoid.
        lines.sort_by_key(|line| line.len());
        std::fs::write(folder.join("text"), lines.join("\n")).unwrap();
        lines.iter().map(|line| line.split_whitespace().count()).sum()
    }

    pub(crate) fn parent() {
        let request = request();
        let names = if request.files.is_some() { vec!["given".to_owned()] } else { request.shapes.clone() };
        if let (Some(folder), Some(name)) = (&request.prepare, names.first()) {
            prepare(name, &request, folder);
            return;
        }
        let mut engines: Vec<[&str; 2]> =
            request.isas.iter().flat_map(|isa| [["ours", isa], ["bare", isa]]).collect();
        engines.push(["fxtranslate", "its own"]);
        let mut json = Vec::new();
        println!(
            "model        task    engine       kernels      words/s  of peer  first ms  peak MiB  of peer  anon MiB  tokens"
        );
        for name in &names {
            let folder = tempfile::tempdir().unwrap();
            let words = prepare(name, &request, folder.path());
            for task in ["batch", "single"] {
                let mut rounds: Vec<Vec<Measured>> = vec![Vec::new(); engines.len()];
                for _ in 0..request.rounds {
                    for (engine, rounds) in engines.iter().zip(&mut rounds) {
                        rounds.push(measure(*engine, task, folder.path()));
                    }
                }
                let peer = rounds.last().unwrap().clone();
                for ([engine, isa], rounds) in engines.iter().zip(rounds) {
                    let ratios: Vec<Measured> = rounds
                        .iter()
                        .zip(&peer)
                        .map(|(m, peer)| Measured {
                            seconds: peer.seconds / m.seconds,
                            peak: m.peak / peer.peak,
                            ..*m
                        })
                        .collect();
                    let (speed, memory) = (median(&ratios, |m| m.seconds), median(&ratios, |m| m.peak));
                    let per_second = median(&rounds, |m| words as f64 / m.seconds);
                    let [first, peak, anonymous] =
                        [|m: &Measured| m.first * 1e3, |m: &Measured| m.peak, |m: &Measured| m.anonymous]
                            .map(|of| median(&rounds, of));
                    let tokens = rounds[0].tokens;
                    println!(
                        "{name:12} {task:7} {engine:11} {isa:11} {per_second:8.0} {speed:8.2} {first:9.1} {peak:9.1} \
                         {memory:8.2} {anonymous:9.1} {tokens:7}"
                    );
                    json.push(format!(
                        "{{\"model\":\"{name}\",\"task\":\"{task}\",\"engine\":\"{engine}\",\"kernels\":\"{isa}\",\
                         \"words_per_second\":{per_second:.1},\"speed_ratio\":{speed:.3},\"first_ms\":{first:.1},\
                         \"peak_mib\":{peak:.1},\"peak_ratio\":{memory:.3},\"anonymous_mib\":{anonymous:.1},\
                         \"tokens\":{tokens}}}"
                    ));
                }
            }
        }
        println!("{{\"bench\":\"nmt\",\"rounds\":{},\"results\":[{}]}}", request.rounds, json.join(","));
    }
}

#[cfg(target_arch = "x86_64")]
fn main() {
    let args: Vec<String> = std::env::args().collect();
    match args.get(1).map(String::as_str) {
        Some("--child") => run::child(&args[2], &args[3], &args[4], std::path::Path::new(&args[5])),
        _ => run::parent(),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn main() {
    eprintln!("the peer, fxtranslate, runs on x86-64 only");
}
