//! cuba-nmt: translation by small neural models, fast on a Cortex-A53 and the same on every CPU.
//!
//! It reads the models that Firefox and Bergamot ship (Marian transformers with an SSRU or self-attention decoder,
//! int8 or float32, SentencePiece vocabularies) and translates sentences: greedy or with a beam, with log-probabilities,
//! word alignment, forced and forbidden phrases, and a fixed beginning.
//!
//! Border: it must not know packs, languages, markup, files other than those it is given, or the network; it must not
//! write, log, or keep any text. What a sentence is, what must be protected and what a user is told is decided above.
//!
//! Why this way:
//! - **Weights stay in the mapped file**, in the layout they are stored in; there is no packed copy. On a phone with
//!   2 GB the kernel may drop and reload them at will.
//! - **Integer sums are exact and float steps have one fixed order**, so the output is equal, to the bit, on every CPU,
//!   with every instruction set, number of threads and batch. A golden file holds the proof.
//! - **No padding**: rows of several sentences stand under each other, so a sentence cannot feel its neighbours.
//! - **Everything foreign is checked once, when it is opened**, and every malformed file is an error that names it.
//!
//! ```no_run
//! use cuba_nmt::{Cancel, Model, ModelFiles, Options, Source};
//!
//! let files = ModelFiles::shared("model.enes.intgemm.alphas.bin", "vocab.enes.spm");
//! let model = Model::open(&files)?;
//! let sources = ["Good morning.", "See you tomorrow."].map(Source::from);
//! let translations = model.translate_batch(&sources, &Options::default(), &Cancel::new(), &|progress| {
//!     eprintln!("{} of {}", progress.done, progress.total);
//! })?;
//! for translation in &translations {
//!     println!("{} (mean log-probability {:?})", translation.text, translation.mean_log_prob());
//! }
//! # Ok::<(), cuba_nmt::Error>(())
//! ```

mod error;
pub mod format;
#[doc(hidden)]
pub mod kernel;
mod model;
mod options;
mod search;
mod transformer;
mod translate;
mod translation;
pub mod vocab;
mod window;

pub use error::Error;
pub use model::{Model, ModelFiles};
pub use options::{Cancel, Forced, Options, Source};
pub use translate::Progress;
pub use translation::{Alignment, Alternative, Translation};
