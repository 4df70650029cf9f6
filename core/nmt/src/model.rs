//! A model: its files, opened and checked against each other.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Error;
use crate::format::Container;
use crate::format::bytes::Bytes;
use crate::format::shortlist::Shortlist;
use crate::kernel::{Isa, Kernels};
use crate::transformer::Transformer;
use crate::vocab::Vocab;

/// Where the files of one direction lie.
///
/// ```
/// use cuba_nmt::ModelFiles;
/// let shared = ModelFiles::shared("model.enes.intgemm.alphas.bin", "vocab.enes.spm");
/// let split = ModelFiles::split("model.bin", "srcvocab.spm", "trgvocab.spm").with_shortlist("lex.50.50.enja.s2t.bin");
/// assert_eq!(shared.source_vocab, shared.target_vocab);
/// assert!(split.shortlist.is_some());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFiles {
    /// The Marian `.bin` file.
    pub model: PathBuf,
    /// SentencePiece vocabulary of the source side.
    pub source_vocab: PathBuf,
    /// SentencePiece vocabulary of the target side; the same path where both sides share one.
    pub target_vocab: PathBuf,
    /// Lexical shortlist, if there is one.
    pub shortlist: Option<PathBuf>,
}

impl ModelFiles {
    /// Both sides share a vocabulary.
    pub fn shared(model: impl Into<PathBuf>, vocab: impl Into<PathBuf>) -> Self {
        let vocab = vocab.into();
        Self::split(model, vocab.clone(), vocab)
    }

    /// Each side has its own vocabulary.
    pub fn split(model: impl Into<PathBuf>, source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        Self {
            model: model.into(),
            source_vocab: source.into(),
            target_vocab: target.into(),
            shortlist: None,
        }
    }

    /// With a lexical shortlist.
    #[must_use]
    pub fn with_shortlist(mut self, shortlist: impl Into<PathBuf>) -> Self {
        self.shortlist = Some(shortlist.into());
        self
    }
}

/// A model that translates one direction. Share it between threads in an [`Arc`]; translating needs no exclusive access.
///
/// The weights stay in the mapped file. Anonymous memory is the vocabularies, the biases and the buffers of the calls
/// under way.
#[derive(Debug)]
pub struct Model {
    pub(crate) network: Transformer,
    pub(crate) source: Arc<Vocab>,
    pub(crate) target: Arc<Vocab>,
    pub(crate) shortlist: Option<Shortlist>,
    pub(crate) shared: bool,
    pub(crate) kernels: Kernels,
}

/// The contents of the files of one direction.
struct Parts {
    model: (Bytes, String),
    source: (Arc<Vocab>, String),
    target: Option<(Arc<Vocab>, String)>,
    shortlist: Option<(Bytes, String)>,
}

impl Model {
    /// Opens a model: maps the weights, reads the vocabularies, and checks every tensor against the architecture.
    ///
    /// Errors name the file and the cause: missing, damaged, of an architecture that is not here, or of another model.
    ///
    /// ```
    /// use cuba_nmt::{Error, Model, ModelFiles};
    /// let files = ModelFiles::shared("no-such-model.bin", "no-such-vocab.spm");
    /// assert!(matches!(Model::open(&files), Err(Error::Io { .. })));
    /// ```
    pub fn open(files: &ModelFiles) -> Result<Self, Error> {
        let name = |path: &Path| path.display().to_string();
        let vocab = |path: &Path| Vocab::open(path).map(|vocab| (Arc::new(vocab), name(path)));
        let shared = files.source_vocab == files.target_vocab;
        let list = files.shortlist.as_deref();
        Self::assemble(Parts {
            model: (Bytes::map(&files.model)?, name(&files.model)),
            source: vocab(&files.source_vocab)?,
            target: if shared { None } else { Some(vocab(&files.target_vocab)?) },
            shortlist: list.map(|path| Bytes::map(path).map(|bytes| (bytes, name(path)))).transpose()?,
        })
    }

    /// A model whose files are in memory; `target_vocab` only where the sides have different ones.
    ///
    /// ```
    /// use cuba_nmt::{Error, Model};
    /// let error = Model::from_bytes(vec![0; 100], b"", None).unwrap_err();
    /// assert!(matches!(error, Error::Damaged { .. }));
    /// ```
    pub fn from_bytes(
        model: Vec<u8>,
        source_vocab: &[u8],
        target_vocab: Option<&[u8]>,
    ) -> Result<Self, Error> {
        let vocab = |bytes: &[u8], name: &str| {
            Vocab::from_bytes(bytes, name).map(|vocab| (Arc::new(vocab), name.to_owned()))
        };
        Self::assemble(Parts {
            model: (Bytes::Owned(model), "model".into()),
            source: vocab(source_vocab, "source vocabulary")?,
            target: target_vocab.map(|bytes| vocab(bytes, "target vocabulary")).transpose()?,
            shortlist: None,
        })
    }

    fn assemble(parts: Parts) -> Result<Self, Error> {
        let (model, model_name) = parts.model;
        let container = Container::parse(Arc::new(model)).map_err(|fault| fault.of(&model_name))?;
        let network = Transformer::load(&container).map_err(|fault| fault.of(&model_name))?;
        let shared = parts.target.is_none();
        let (source, source_name) = parts.source;
        let (target, target_name) =
            parts.target.unwrap_or_else(|| (Arc::clone(&source), source_name.clone()));
        let (source_rows, target_rows) = network.vocab_sizes();
        fits(&source, source_rows, &source_name)?;
        fits(&target, target_rows, &target_name)?;
        // Marian pads the rows of some models, so more than declared is right.
        let lacks = |d: &(usize, usize)| d.0 > source_rows || d.1 > target_rows;
        if let Some(declared) = network.config().vocab_sizes.filter(lacks) {
            let why = format!(
                "it declares vocabularies of {declared:?} and has rows for {source_rows} and {target_rows}"
            );
            return Err(Error::Damaged { file: model_name, why });
        }
        let model = Self { network, source, target, shortlist: None, shared, kernels: Kernels::detect() };
        match parts.shortlist {
            Some((bytes, name)) => model.attach(bytes, &name),
            None => Ok(model),
        }
    }

    /// The same model with a lexical shortlist that is in memory.
    ///
    /// ```
    /// # fn with_list(model: cuba_nmt::Model) -> Result<(), cuba_nmt::Error> {
    /// let list = cuba_nmt::format::write_shortlist(100, &[]);
    /// let model = model.with_shortlist(list)?;
    /// # Ok(()) }
    /// ```
    pub fn with_shortlist(self, list: Vec<u8>) -> Result<Self, Error> {
        self.attach(Bytes::Owned(list), "shortlist")
    }

    fn attach(mut self, list: Bytes, name: &str) -> Result<Self, Error> {
        let list = Shortlist::parse(list, self.source.len(), self.target.len());
        self.shortlist = Some(list.map_err(|fault| fault.of(name))?);
        Ok(self)
    }

    /// The vocabulary of the source side.
    pub fn source_vocab(&self) -> &Vocab {
        &self.source
    }

    /// The vocabulary of the target side.
    pub fn target_vocab(&self) -> &Vocab {
        &self.target
    }

    /// Name of the instruction set the model runs on, such as `neon-dotprod`.
    pub fn instruction_set(&self) -> &'static str {
        self.kernels.isa().name()
    }

    /// Runs on another instruction set, for tests and benches; false when this CPU lacks it.
    #[doc(hidden)]
    pub fn use_isa(&mut self, isa: Isa) -> bool {
        let kernels = Kernels::with_isa(isa);
        self.kernels = kernels.unwrap_or(self.kernels);
        kernels.is_some()
    }
}

/// A vocabulary belongs to a model when every one of its words has a row. Marian rounds the rows up in some models, so
/// a few more rows are right and fewer are not.
fn fits(vocab: &Vocab, rows: usize, file: &str) -> Result<(), Error> {
    if vocab.len() > rows || rows > vocab.len() + 64 {
        let why = format!("it has {} words and the model has rows for {rows}", vocab.len());
        return Err(Error::Mismatch { file: file.to_owned(), why });
    }
    Ok(())
}
