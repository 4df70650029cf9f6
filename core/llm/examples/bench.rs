//! Tokens per second of this crate and of llama.cpp's own loop, in the same run on the same model and thread count.
//!
//! `cargo run --release -p cuba-llm --example bench -- MODEL.gguf [--threads N] [--rounds R] [--weights mapped|repacked]
//! [--batch]`
//!
//! The peer is the measuring loop of llama.cpp's `llama-bench` (`pp512`: 512 tokens in one call; `tg128`: 128 single
//! tokens, no sampling; its default parameters), written out here against the raw C API, because the crate that carries
//! llama.cpp does not carry the source of that tool. Rounds alternate between the two. Rates are given by the clock
//! (best round) and by processor time (median round); on a busy machine only the latter means anything, with one thread.
//! The last line is one JSON object.

#![allow(
    unsafe_code,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing
)]

use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::time::Instant;

use cuba_llm::{Cancel, Llm, LoadOptions, Request, Weights};
use llama_cpp_sys_2 as sys;

const PROMPT: usize = 512;
const GENERATE: usize = 128;

struct Args {
    model: PathBuf,
    threads: usize,
    rounds: usize,
    weights: Weights,
    batch: bool,
}

fn main() {
    let args = parse();
    let repacked = args.weights == Weights::Repacked;
    let options = LoadOptions {
        context_tokens: 1024,
        max_sequences: 1,
        prompt_chunk: 512,
        threads: Some(args.threads),
        weights: args.weights,
        ..LoadOptions::default()
    };
    let started = Instant::now();
    let ours = Llm::load(&args.model, &options).expect("the model loads");
    let load_ms = started.elapsed().as_millis();
    let peer = Peer::load(&args.model, args.threads, repacked);
    let mut rounds: Vec<[Rate; 4]> = Vec::new();
    for round in 0..=args.rounds {
        let now = [our_prompt(&ours, round), peer.prompt(), our_generation(&ours, round), peer.generation()];
        println!("round {round}{}: {now:.1?}", if round == 0 { " (warm-up)" } else { "" });
        if round > 0 {
            rounds.push(now);
        }
    }
    let clock = |i: usize| rounds.iter().map(|r| r[i].clock).fold(0.0, f64::max);
    let cpu = |i: usize| median(rounds.iter().map(|r| r[i].cpu).collect());
    let ratio = |i: usize, j: usize| median(rounds.iter().map(|r| r[i].cpu / r[j].cpu).collect());
    drop(ours);
    drop(peer);
    let batches = if args.batch { batches(&args) } else { Vec::new() };
    let json = serde_json::json!({
        "bench": "llm",
        "model": args.model.file_name().map(|n| n.to_string_lossy()),
        "threads": args.threads,
        "weights": if repacked { "repacked" } else { "mapped" },
        "load_ms": load_ms,
        "prompt_tokens_per_s": round1(clock(0)),
        "peer_prompt_tokens_per_s": round1(clock(1)),
        "prompt_tokens_per_cpu_s": round1(cpu(0)),
        "peer_prompt_tokens_per_cpu_s": round1(cpu(1)),
        "prompt_ratio": round3(ratio(0, 1)),
        "generate_tokens_per_s": round1(clock(2)),
        "peer_generate_tokens_per_s": round1(clock(3)),
        "generate_tokens_per_cpu_s": round1(cpu(2)),
        "peer_generate_tokens_per_cpu_s": round1(cpu(3)),
        "ratio": round3(ratio(2, 3)),
        "batch": batches.iter().map(|(n, rate)| serde_json::json!({
            "sequences": n, "tokens_per_s": round1(rate.clock), "tokens_per_cpu_s": round1(rate.cpu),
            "to_one": round3(rate.cpu / batches[0].1.cpu)
        })).collect::<Vec<_>>(),
    });
    println!("{json}");
}

fn parse() -> Args {
    let mut args = Args {
        model: PathBuf::new(),
        threads: cuba_llm::threads::for_this_device(),
        rounds: 3,
        weights: Weights::Mapped,
        batch: false,
    };
    let mut given = std::env::args().skip(1);
    while let Some(arg) = given.next() {
        let mut value = || given.next().expect("a value follows the option");
        match arg.as_str() {
            "--threads" => args.threads = value().parse().expect("a number of threads"),
            "--rounds" => args.rounds = value().parse().expect("a number of rounds"),
            "--weights" => {
                args.weights = if value() == "repacked" { Weights::Repacked } else { Weights::Mapped }
            }
            "--batch" => args.batch = true,
            path => args.model = path.into(),
        }
    }
    assert!(
        args.model.is_file(),
        "usage: bench MODEL.gguf [--threads N] [--rounds R] [--weights mapped|repacked] [--batch]"
    );
    args
}

/// Tokens per second of wall time and of processor time.
#[derive(Debug, Clone, Copy)]
struct Rate {
    clock: f64,
    cpu: f64,
}

/// Measures from its making.
struct Watch(Instant, f64);

impl Watch {
    fn start() -> Self {
        Self(Instant::now(), cpu_seconds())
    }

    fn rate(&self, tokens: usize) -> Rate {
        Rate {
            clock: tokens as f64 / self.0.elapsed().as_secs_f64(),
            cpu: tokens as f64 / (cpu_seconds() - self.1),
        }
    }
}

/// Processor time of all threads of this process so far.
fn cpu_seconds() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let nanos = |t: std::fs::DirEntry| {
        let text = std::fs::read_to_string(t.path().join("schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0)
    };
    tasks.map(|t| nanos(t.unwrap())).sum::<f64>() / 1e9
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn round1(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

fn round3(x: f64) -> f64 {
    (x * 1000.0).round() / 1000.0
}

/// A prompt of about 512 tokens that no earlier round began with.
fn our_prompt(llm: &Llm, round: usize) -> Rate {
    let mut text = format!("{round}{round}{round} ");
    while llm.count_tokens(&text).unwrap() < PROMPT {
        text += "The doctor asked how long the pain had lasted and whether it came back at night. ";
    }
    let watch = Watch::start();
    let t = llm
        .generate(Request { max_tokens: 1, ..Request::text(text) }, &Cancel::new(), |_| {})
        .unwrap()
        .timings;
    watch.rate(t.prompt_tokens - t.cached_tokens)
}

/// From the first token on, so that the prompt does not count.
fn our_generation(llm: &Llm, round: usize) -> Rate {
    let text = format!("{}, {}, {}, {}, {}, ", round + 1, round + 2, round + 3, round + 4, round + 5);
    let request = Request { max_tokens: GENERATE + 1, ..Request::text(text) };
    let mut watch = None;
    let g = llm.generate(request, &Cancel::new(), |_| _ = watch.get_or_insert_with(Watch::start)).unwrap();
    assert!(g.tokens > GENERATE / 2, "the model ended after {} tokens", g.tokens);
    watch.expect("there was a first token").rate(g.tokens - 1)
}

/// Many short requests at once, as translation sends them: a shared few-shot prompt and a sentence each.
fn batches(args: &Args) -> Vec<(u32, Rate)> {
    let mut rates = Vec::new();
    for sequences in [1u32, 4, 8, 16, 32] {
        let options = LoadOptions {
            context_tokens: 256 + sequences * 96,
            max_sequences: sequences,
            threads: Some(args.threads),
            weights: args.weights,
            ..LoadOptions::default()
        };
        let llm = Llm::load(&args.model, &options).unwrap();
        let count = sequences.max(4);
        let requests = |tag: u32| -> Vec<Request> {
            let one = |i: u32| {
                format!(
                    "1, 2, 3, 4, 5, 6\n10, 11, 12, 13, 14\n{}, {}, {},",
                    tag + i,
                    tag + i + 1,
                    tag + i + 2
                )
            };
            (0..count).map(|i| Request { max_tokens: 32, ..Request::text(one(i)) }).collect()
        };
        llm.generate_batch(requests(3), &Cancel::new(), |_| {}).unwrap();
        let watch = Watch::start();
        let results = llm.generate_batch(requests(100), &Cancel::new(), |_| {}).unwrap();
        let tokens: usize = results.into_iter().map(|r| r.unwrap().tokens).sum();
        let rate = watch.rate(tokens);
        println!("{sequences} at once: {rate:.1?} tokens/s, prompts included");
        rates.push((sequences, rate));
    }
    rates
}

/// llama-bench's loop on the raw API.
struct Peer {
    model: *mut sys::llama_model,
    context: *mut sys::llama_context,
}

impl Peer {
    fn load(path: &Path, threads: usize, repack: bool) -> Self {
        let name = CString::new(path.to_str().unwrap()).unwrap();
        // SAFETY: the calls llama-bench makes, in its order; both pointers are checked and freed once, in `drop`.
        unsafe {
            let mut params = sys::llama_model_default_params();
            params.n_gpu_layers = 0;
            params.use_extra_bufts = repack;
            let model = sys::llama_model_load_from_file(name.as_ptr(), params);
            assert!(!model.is_null());
            let mut params = sys::llama_context_default_params();
            params.n_ctx = (PROMPT + GENERATE) as u32;
            params.n_batch = 2048;
            params.n_ubatch = 512;
            params.n_threads = threads as i32;
            params.n_threads_batch = threads as i32;
            let context = sys::llama_init_from_model(model, params);
            assert!(!context.is_null());
            Self { model, context }
        }
    }

    fn vocabulary(&self) -> i32 {
        // SAFETY: the model is alive.
        unsafe { sys::llama_vocab_n_tokens(sys::llama_model_get_vocab(self.model)) }
    }

    fn run(&self, tokens: &mut [i32], at_once: usize) -> Rate {
        // SAFETY: context is alive, token slices outlive the calls that read them.
        unsafe {
            sys::llama_memory_clear(sys::llama_get_memory(self.context), false);
            let watch = Watch::start();
            let count = tokens.len();
            for chunk in tokens.chunks_mut(at_once) {
                let batch = sys::llama_batch_get_one(chunk.as_mut_ptr(), chunk.len() as i32);
                assert_eq!(sys::llama_decode(self.context, batch), 0);
                sys::llama_synchronize(self.context);
            }
            watch.rate(count)
        }
    }

    fn tokens(&self, count: usize) -> Vec<i32> {
        let vocabulary = self.vocabulary() as u64;
        let mut x = 42u64;
        let mut next = || {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((x >> 33) % vocabulary) as i32
        };
        (0..count).map(|_| next()).collect()
    }

    fn prompt(&self) -> Rate {
        self.run(&mut self.tokens(PROMPT), 2048)
    }

    fn generation(&self) -> Rate {
        self.run(&mut self.tokens(GENERATE), 1)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // SAFETY: made in `load`, freed only here, context before model.
        unsafe {
            sys::llama_free(self.context);
            sys::llama_model_free(self.model);
        }
    }
}
