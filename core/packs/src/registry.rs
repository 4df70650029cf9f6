//! Mozilla's registry of released translation models, read as offers.
//!
//! Its form: `baseUrl`, and under `models` for each direction a list of models with `architecture`, `files` (`model`, `vocab`
//! or `srcVocab` and `trgVocab`, `lexicalShortlist`; each with `path`, the model also with `uncompressedHash` and
//! `uncompressedSize`), `metrics`, `modelStatistics` and `releaseStatus`. Vocabularies and shortlists have no hash there: see
//! [`OfferedFile`](crate::OfferedFile).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::detect::{NMT_OVERHEAD, language_tag, pack_id};
use crate::digest::Digest;
use crate::error::PackError;
use crate::manifest::{About, Direction, Kind, Licence, Needs, Role, SCHEMA, parse_json};
use crate::offer::{Compression, Offer, OfferedFile, Origin, UNKNOWN_FILE_ALLOWANCE};

/// The largest registry that is read.
pub const MAX_REGISTRY_BYTES: u64 = 16 << 20;

/// Kinds of device that the publisher releases different models for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceClass {
    /// A phone: `Release Android` is preferred to `Release Desktop`.
    Phone,
    /// A computer: the other way round.
    #[default]
    Desktop,
}

/// What of a registry is wanted.
#[derive(Debug, Clone, Default)]
pub struct RegistryOptions {
    /// Base addresses to use instead of the registry's own, best first. Each has the files under the same paths.
    pub mirrors: Vec<String>,
    /// Which models to prefer.
    pub device: DeviceClass,
    /// Also models that are not released (`Nightly`, or no status), where a direction has no other.
    pub unreleased: bool,
}

#[derive(Deserialize)]
struct Registry {
    #[serde(rename = "baseUrl")]
    base_url: String,
    models: BTreeMap<String, Vec<Model>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Model {
    #[serde(default)]
    architecture: String,
    files: BTreeMap<String, RemoteFile>,
    #[serde(default)]
    metrics: Option<BTreeMap<String, BTreeMap<String, Value>>>,
    #[serde(default, rename = "modelStatistics")]
    statistics: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    release_status: Option<String>,
    source_language: String,
    target_language: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RemoteFile {
    path: String,
    #[serde(default)]
    uncompressed_hash: Option<String>,
    #[serde(default)]
    uncompressed_size: Option<u64>,
}

/// Reads a registry as one offer for each direction it has a model for, by id (`en-es`).
///
/// Released are `Release`, `Release Android` and `Release Desktop`; the one for this device comes first, then plain `Release`,
/// then the other's. Fails with [`PackError::Corrupt`] on a registry of another form; a single model that breaks a rule is
/// left out.
pub fn read_registry(json: &[u8], options: &RegistryOptions) -> Result<Vec<Offer>, PackError> {
    let registry: Registry = parse_json("registry", json, MAX_REGISTRY_BYTES)?;
    let mut bases: Vec<String> = options.mirrors.clone();
    if bases.is_empty() {
        bases.push(registry.base_url);
    }
    let offers = registry.models.values().filter_map(|models| {
        let ranked = models.iter().filter_map(|model| Some((model.rank(options)?, model)));
        let (_, best) = ranked.min_by_key(|(rank, _)| *rank)?;
        best.offer(&bases).filter(|offer| offer.check().is_ok())
    });
    Ok(offers.collect())
}

impl Model {
    /// Smaller is better; `None` is not wanted.
    fn rank(&self, options: &RegistryOptions) -> Option<u8> {
        let phone = options.device == DeviceClass::Phone;
        match self.release_status.as_deref() {
            Some("Release Android") => Some(if phone { 0 } else { 2 }),
            Some("Release Desktop") => Some(if phone { 2 } else { 0 }),
            Some("Release") => Some(1),
            Some("Nightly") if options.unreleased => Some(3),
            _ if options.unreleased => Some(4),
            _ => None,
        }
    }

    fn offer(&self, bases: &[String]) -> Option<Offer> {
        let direction =
            Direction { from: language_tag(&self.source_language), to: language_tag(&self.target_language) };
        let files: Vec<OfferedFile> =
            self.files.iter().filter_map(|(kind, file)| file.offered(kind, bases)).collect();
        let model = files.iter().find(|file| file.role == Role::Model)?;
        let hash: String = model.sha256?.to_string().chars().take(8).collect();
        let size: u64 = files.iter().map(|file| file.size.unwrap_or(UNKNOWN_FILE_ALLOWANCE)).sum();
        let architecture = if self.architecture.is_empty() { "model" } else { &self.architecture };
        let about = About {
            schema: SCHEMA,
            id: pack_id(&direction),
            version: format!("{architecture}-{hash}"),
            kind: Kind::Nmt,
            name: format!("{} to {} ({architecture})", direction.from, direction.to),
            languages: vec![direction.from.clone(), direction.to.clone()],
            directions: vec![direction],
            licence: licence(),
            needs: Needs { ram: size + NMT_OVERHEAD, disk: size },
            source: "Mozilla translation models".into(),
            metrics: self.metrics(),
            extra: self.extra(),
        };
        Some(Offer { about, files })
    }

    fn metrics(&self) -> BTreeMap<String, BTreeMap<String, f64>> {
        let numbers = |scores: &BTreeMap<String, Value>| {
            scores.iter().filter_map(|(name, score)| Some((name.clone(), score.as_f64()?))).collect()
        };
        self.metrics.iter().flatten().map(|(test, scores)| (test.clone(), numbers(scores))).collect()
    }

    fn extra(&self) -> BTreeMap<String, Value> {
        let mut extra = BTreeMap::from([
            ("format".to_owned(), Value::from("marian")),
            ("architecture".to_owned(), Value::from(self.architecture.clone())),
            ("release_status".to_owned(), Value::from(self.release_status.clone())),
        ]);
        if let Some(parameters) = self.statistics.as_ref().and_then(|s| s.get("parameters")) {
            extra.insert("parameters".to_owned(), parameters.clone());
        }
        extra
    }
}

impl RemoteFile {
    fn offered(&self, kind: &str, bases: &[String]) -> Option<OfferedFile> {
        let role = match kind {
            "model" => Role::Model,
            "vocab" => Role::Vocab,
            "srcVocab" => Role::SourceVocab,
            "trgVocab" => Role::TargetVocab,
            "lexicalShortlist" => Role::Shortlist,
            _ => return None,
        };
        let sha256: Option<Digest> = self.uncompressed_hash.as_ref().and_then(|hash| hash.parse().ok());
        let (compression, name) = Compression::of_name(self.path.rsplit('/').next()?);
        let urls = bases.iter().map(|base| format!("{}/{}", base.trim_end_matches('/'), self.path)).collect();
        Some(OfferedFile {
            path: name.to_owned(),
            role,
            size: self.uncompressed_size,
            sha256,
            origin: Some(Origin::Web { urls, compression }),
        })
    }
}

/// The project publishes its code and earlier models under MPL-2.0 and states no other licence in the registry.
fn licence() -> Licence {
    Licence {
        id: "MPL-2.0".into(),
        name: Some("Mozilla Public License 2.0".into()),
        url: Some("https://www.mozilla.org/MPL/2.0/".into()),
        text: Some(
            "A translation model published by Mozilla. The registry it comes from states no licence for single models; the \
             project's own licence is the Mozilla Public License 2.0. See the project's notice before you pass it on."
                .into(),
        ),
        must_accept: false,
    }
}
