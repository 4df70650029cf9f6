//! The one architecture that Cuba trains: a Marian student, as its starter packs are.

use super::Container;
use super::config::{Activation, Autoregression, Config, Step};
use crate::Error;

/// Sizes of a post-norm transformer with an SSRU decoder and tied embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Student {
    /// Width of a token.
    pub dim: usize,
    /// Width inside the feed-forward blocks.
    pub ffn: usize,
    /// Attention heads.
    pub heads: usize,
    /// Encoder layers.
    pub encoder_layers: usize,
    /// Decoder layers.
    pub decoder_layers: usize,
}

impl Container {
    /// The sizes of the model if it is a student: post-norm, `ReLU`, SSRU decoder, all embeddings tied, an output bias.
    ///
    /// # Errors
    /// A damaged architecture text; `file` names it. A sound model of another architecture is `None`.
    pub fn student(&self, file: &str) -> Result<Option<Student>, Error> {
        let config =
            self.config_text().and_then(|text| Config::parse(&text)).map_err(|fault| fault.of(file))?;
        let is_student = config.autoregression == Autoregression::Ssru
            && config.activation == Activation::Relu
            && config.tying.sources
            && config.tying.output
            && config.output_bias
            && config.pre.is_empty()
            && config.post == [Step::Add, Step::Norm]
            && config.post_embedding.is_empty()
            && config.post_top.is_empty()
            && config.encoder_ffn == config.decoder_ffn
            && config.encoder_ffn.depth == 2;
        Ok(is_student.then_some(Student {
            dim: config.dim,
            ffn: config.encoder_ffn.dim,
            heads: config.heads,
            encoder_layers: config.encoder_layers,
            decoder_layers: config.decoder_layers,
        }))
    }
}
