//! `LoRA` adapters: small files that change what a model does without changing its weights (Hu et al. 2021).

/// An adapter that [`crate::Llm::load_adapter`] loaded; valid for that model only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdapterId(pub(crate) u32);
