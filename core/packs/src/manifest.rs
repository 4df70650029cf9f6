//! The manifest: what a pack says about itself.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::Digest;
use crate::error::PackError;

/// The manifest schema this version reads and writes.
pub const SCHEMA: u32 = 1;
/// The largest manifest that is read.
pub const MAX_MANIFEST_BYTES: u64 = 1 << 20;
/// The most files a pack may have.
pub const MAX_FILES: usize = 256;
/// The largest a single file may be (64 GiB).
pub const MAX_FILE_BYTES: u64 = 64 << 30;

/// What a pack is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum Kind {
    /// A neural translation model of one direction.
    Nmt,
    /// A language model.
    Llm,
    /// A speech recognition model.
    Speech,
    /// A kind this version does not know: stored, listed, verified and passed on, but not used.
    Other(String),
}

/// What a file is in its pack. Engines ask for files by role, never by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum Role {
    /// Weights.
    Model,
    /// Vocabulary of both sides.
    Vocab,
    /// Vocabulary of the source side.
    SourceVocab,
    /// Vocabulary of the target side.
    TargetVocab,
    /// Lexical shortlist: the target words worth considering for each source word.
    Shortlist,
    /// Word or phrase list.
    Lexicon,
    /// Low-rank adapter to a model.
    Adapter,
    /// Chat or prompt template.
    Template,
    /// The engine's own configuration file.
    Config,
    /// The licence's full text.
    Licence,
    /// A role this version does not know.
    Other(String),
}

macro_rules! named {
    ($type:ident { $($variant:ident = $name:literal),* $(,)? }) => {
        impl $type {
            /// The name as written in a manifest.
            pub fn as_str(&self) -> &str {
                match self { $(Self::$variant => $name,)* Self::Other(name) => name }
            }
        }
        impl From<String> for $type {
            fn from(name: String) -> Self {
                match name.as_str() { $($name => Self::$variant,)* _ => Self::Other(name) }
            }
        }
        impl From<$type> for String {
            fn from(value: $type) -> Self { value.as_str().to_owned() }
        }
    };
}
named!(Kind { Nmt = "nmt", Llm = "llm", Speech = "speech" });
named!(Role {
    Model = "model", Vocab = "vocab", SourceVocab = "source-vocab", TargetVocab = "target-vocab",
    Shortlist = "shortlist", Lexicon = "lexicon", Adapter = "adapter", Template = "template",
    Config = "config", Licence = "licence",
});

/// One direction of translation, as BCP 47 language tags.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Direction {
    /// Language of the text that is read.
    pub from: String,
    /// Language of the text that is written.
    pub to: String,
}

/// The terms a pack comes under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Licence {
    /// SPDX identifier, or `LicenseRef-...` where SPDX has none.
    pub id: String,
    /// Name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the full text is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The text, or the notice the terms ask to be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The terms must be accepted before the pack is installed (not only shown).
    #[serde(default)]
    pub must_accept: bool,
}

impl Licence {
    /// The name, or the identifier where there is no name.
    pub fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }
}

/// What a pack takes from a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Needs {
    /// Bytes of memory to run it, file-mapped weights included.
    pub ram: u64,
    /// Bytes on disk once installed.
    pub disk: u64,
}

/// Everything a manifest says besides its files. Shared by [`Manifest`] and [`Offer`](crate::Offer).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Name of the pack: lower-case letters, digits, `.`, `_`, `-`; at most 64; `en-es`, `gemma-3-270m`.
    pub id: String,
    /// Version: letters, digits, `.`, `_`, `-`, `+`; at most 64.
    pub version: String,
    /// What it is for.
    pub kind: Kind,
    /// Name for people.
    #[serde(default)]
    pub name: String,
    /// Languages it knows, as BCP 47 tags; empty where it is not bound to any.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Directions it translates; empty where it is not a translation model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub directions: Vec<Direction>,
    /// Its terms.
    pub licence: Licence,
    /// What it takes.
    pub needs: Needs,
    /// Where it comes from, for people.
    #[serde(default)]
    pub source: String,
    /// Scores its makers publish: test set, then metric (`flores200-plus`, `chrf`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, BTreeMap<String, f64>>,
    /// What engines want to know and the store does not (`family`, `chat_template`, `beam`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, Value>,
}

/// A file of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackFile {
    /// Relative path with `/`, for people and for export; the store names content by its hash.
    pub path: String,
    /// What it is.
    pub role: Role,
    /// Bytes.
    pub size: u64,
    /// Content.
    pub sha256: Digest,
}

/// The manifest of a pack: JSON, schema [`SCHEMA`].
///
/// ```
/// let manifest = cuba_packs::Manifest::parse(br#"{
///   "schema": 1, "id": "en-es", "version": "1", "kind": "nmt",
///   "languages": ["en", "es"], "directions": [{"from": "en", "to": "es"}],
///   "licence": {"id": "MPL-2.0"}, "needs": {"ram": 83886080, "disk": 5},
///   "files": [{"path": "model.bin", "role": "model", "size": 5,
///     "sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}]
/// }"#).unwrap();
/// assert_eq!(manifest.about.id, "en-es");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// What it says about itself.
    #[serde(flatten)]
    pub about: About,
    /// Its files.
    pub files: Vec<PackFile>,
}

impl Manifest {
    /// Parses and checks a manifest.
    ///
    /// Fails with [`PackError::Corrupt`] on anything but a valid manifest of schema [`SCHEMA`].
    pub fn parse(json: &[u8]) -> Result<Self, PackError> {
        let manifest: Self = parse_json("manifest", json, MAX_MANIFEST_BYTES)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The manifest as it is written: pretty JSON with a line feed at the end. Deterministic.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::new();
        // Writing to memory cannot fail, and every map of a manifest has string keys.
        let _ = serde_json::to_writer_pretty(&mut json, self);
        json.push(b'\n');
        json
    }

    /// Checks every rule a manifest must keep.
    pub fn check(&self) -> Result<(), PackError> {
        self.about.check()?;
        check_files(
            &self.about,
            self.files.iter().map(|file| (file.path.as_str(), &file.role, Some(file.size))),
        )
    }

    /// Bytes of all files.
    pub fn size(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.size))
    }

    /// `id@version`.
    pub fn reference(&self) -> String {
        self.about.reference()
    }
}

impl About {
    /// `id@version`.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.id, self.version)
    }

    /// An extra, such as `beam`; `None` where there is none of that name and type.
    pub fn extra<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        T::deserialize(self.extra.get(name)?).ok()
    }

    pub(crate) fn check(&self) -> Result<(), PackError> {
        let refuse = |reason: String| Err(PackError::corrupt(format!("manifest of {:.64}", self.id), reason));
        if self.schema != SCHEMA {
            return refuse(format!(
                "schema {} is not known to this version of Cuba (it reads {SCHEMA})",
                self.schema
            ));
        }
        if !is_id(&self.id) {
            return refuse("its id is not 1 to 64 of a-z, 0-9, '.', '_', '-'".into());
        }
        if !is_version(&self.version) {
            return refuse("its version is not 1 to 64 of letters, digits, '.', '_', '-', '+'".into());
        }
        if self.kind.as_str().is_empty() || self.licence.id.is_empty() {
            return refuse("it names no kind or no licence".into());
        }
        let tags = self.directions.iter().flat_map(|d| [&d.from, &d.to]).chain(&self.languages);
        match tags.into_iter().find(|tag| !is_language_tag(tag)) {
            Some(tag) => refuse(format!("{tag:?} is not a language tag")),
            None => Ok(()),
        }
    }
}

/// The rules that the files of a manifest or an offer keep together.
pub(crate) fn check_files<'a>(
    about: &About,
    files: impl Iterator<Item = (&'a str, &'a Role, Option<u64>)>,
) -> Result<(), PackError> {
    let refuse = |reason: String| Err(PackError::corrupt(format!("manifest of {}", about.id), reason));
    let mut seen = BTreeSet::new();
    let mut total = 0_u64;
    for (path, role, size) in files {
        if let Err(reason) = check_path(path) {
            return refuse(format!("the path {path:?} {reason}"));
        }
        // Two names that differ by case only would be one file on an SD card.
        if !seen.insert(path.to_ascii_lowercase()) {
            return refuse(format!("the path {path:?} appears twice"));
        }
        if role.as_str().is_empty() {
            return refuse(format!("{path:?} has no role"));
        }
        if size.is_some_and(|size| size > MAX_FILE_BYTES) {
            return refuse(format!("{path:?} is larger than {MAX_FILE_BYTES} bytes"));
        }
        total = total.saturating_add(size.unwrap_or(0));
    }
    match seen.len() {
        0 => refuse("it lists no files".into()),
        n if n > MAX_FILES => refuse(format!("it lists {n} files, more than {MAX_FILES}")),
        _ if total > MAX_FILE_BYTES => {
            refuse(format!("its files are larger than {MAX_FILE_BYTES} bytes together"))
        }
        _ => Ok(()),
    }
}

/// A relative path of plain names, safe on every file system Cuba meets.
pub(crate) fn check_path(path: &str) -> Result<(), &'static str> {
    let name_ok = |name: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || " ._-+@()=,".contains(c);
        !name.is_empty()
            && name.len() <= 100
            && name.chars().all(plain)
            && !name.starts_with(['.', ' ', '-'])
            && !name.ends_with(['.', ' '])
    };
    if path.len() > 200 {
        return Err("is longer than 200 bytes");
    }
    if path.split('/').all(name_ok) { Ok(()) } else { Err("is not a plain relative path") }
}

fn is_id(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    !id.is_empty() && id.len() <= 64 && id.bytes().all(plain) && !id.starts_with(['.', '-', '_'])
}

fn is_version(version: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-+".contains(&b);
    !version.is_empty()
        && version.len() <= 64
        && version.bytes().all(plain)
        && !version.starts_with(['.', '-'])
}

fn is_language_tag(tag: &str) -> bool {
    let subtag =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let mut parts = tag.split('-');
    parts.next().is_some_and(|l| (2..=8).contains(&l.len()) && l.bytes().all(|b| b.is_ascii_alphabetic()))
        && parts.all(subtag)
        && tag.len() <= 35
}

/// Parses JSON of at most `limit` bytes; the error names `what` and the place, never the content.
pub(crate) fn parse_json<T: serde::de::DeserializeOwned>(
    what: &str,
    json: &[u8],
    limit: u64,
) -> Result<T, PackError> {
    if json.len() as u64 > limit {
        return Err(PackError::corrupt(what, format!("it is larger than {limit} bytes")));
    }
    serde_json::from_slice(json).map_err(|error| PackError::corrupt(what, error.to_string()))
}

/// The JSON of a value whose maps have string keys.
pub(crate) fn json_of(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("string keys only, and memory takes any write")
}

/// Orders versions as people do: `1.10` after `1.9`.
///
/// ```
/// use std::cmp::Ordering;
/// assert_eq!(cuba_packs::compare_versions("1.10.0", "1.9.2"), Ordering::Greater);
/// ```
pub fn compare_versions(a: &str, b: &str) -> std::cmp::Ordering {
    fn key(version: &str) -> Vec<(u64, &str)> {
        let parts = version.split(['.', '-', '_', '+']);
        parts.map(|part| part.parse().map_or((0, part), |number| (number, ""))).collect()
    }
    key(a).cmp(&key(b)).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            about: About {
                schema: 1,
                id: "en-es".into(),
                version: "1.0".into(),
                kind: Kind::Nmt,
                name: String::new(),
                languages: vec!["en".into(), "zh-Hant".into()],
                directions: vec![],
                licence: Licence {
                    id: "MPL-2.0".into(),
                    name: None,
                    url: None,
                    text: None,
                    must_accept: false,
                },
                needs: Needs::default(),
                source: String::new(),
                metrics: BTreeMap::new(),
                extra: BTreeMap::new(),
            },
            files: vec![PackFile {
                path: "a/b.bin".into(),
                role: Role::Model,
                size: 1,
                sha256: Digest::of(b"x"),
            }],
        }
    }

    #[test]
    fn a_manifest_comes_back_as_it_was() {
        let manifest = manifest();
        assert_eq!(Manifest::parse(&manifest.to_json()).unwrap(), manifest);
    }

    #[test]
    fn unsafe_paths_are_refused() {
        let long = "x".repeat(101);
        let paths = [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "a/",
            "./a",
            ".hidden",
            "a\\b",
            "c:x",
            "a\0b",
            "a\nb",
            "é",
            "-rf",
            "x.",
            &long,
        ];
        for path in paths {
            let mut manifest = manifest();
            manifest.files[0].path = path.to_owned();
            assert!(matches!(manifest.check(), Err(PackError::Corrupt { .. })), "{path:?}");
        }
    }

    #[test]
    fn rules_are_kept() {
        type Change = fn(&mut Manifest);
        let broken: [Change; 11] = [
            |m| m.about.schema = 2,
            |m| m.about.id = "../up".into(),
            |m| m.about.id = "UPPER".into(),
            |m| m.about.id = String::new(),
            |m| m.about.version = "1/2".into(),
            |m| m.about.languages.push("not a tag".into()),
            |m| m.files.clear(),
            |m| m.files[0].size = MAX_FILE_BYTES + 1,
            |m| m.files.push(PackFile { path: "A/B.BIN".into(), ..m.files[0].clone() }),
            |m| {
                m.files = (0..=MAX_FILES)
                    .map(|n| PackFile { path: format!("{n}"), ..m.files[0].clone() })
                    .collect();
            },
            |m| m.about.licence.id = String::new(),
        ];
        assert!(manifest().check().is_ok());
        for (n, change) in broken.iter().enumerate() {
            let mut manifest = manifest();
            change(&mut manifest);
            assert!(matches!(manifest.check(), Err(PackError::Corrupt { .. })), "rule {n}");
        }
    }

    #[test]
    fn kinds_and_roles_of_the_future_are_kept() {
        let json = String::from_utf8(manifest().to_json()).unwrap().replace("\"nmt\"", "\"smell\"");
        assert_eq!(Manifest::parse(json.as_bytes()).unwrap().about.kind, Kind::Other("smell".into()));
    }

    #[test]
    fn versions_are_ordered_as_people_do() {
        let mut versions = ["1.10", "1.9", "base-2", "1.9.1", "base-10"];
        versions.sort_by(|a, b| compare_versions(a, b));
        assert_eq!(versions, ["base-2", "base-10", "1.9", "1.9.1", "1.10"]);
    }
}
