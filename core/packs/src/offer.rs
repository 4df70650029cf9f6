//! An offer: a pack that could be installed, and where its files come from.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::PackError;
use crate::manifest::{About, Manifest, Role, check_files, check_path};

/// Most bytes a file may have whose size its catalogue does not say (vocabularies and shortlists are below 10 MB).
pub const UNKNOWN_FILE_LIMIT: u64 = 64 << 20;
/// Room set aside for a file of unknown size when free space is checked.
pub const UNKNOWN_FILE_ALLOWANCE: u64 = 8 << 20;

/// A pack that could be installed. What a catalogue lists, and what every [`Source`](crate::Source) has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// What the pack says about itself.
    #[serde(flatten)]
    pub about: About,
    /// Its files.
    pub files: Vec<OfferedFile>,
}

/// A file on offer. `size` and `sha256` are `None` only where the publisher states none (Mozilla's registry pins the model
/// but not the vocabulary and shortlist); such a file is trusted as far as its transport is, and pinned once installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedFile {
    /// Path in the pack.
    pub path: String,
    /// What it is.
    pub role: Role,
    /// Bytes, once unpacked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Content, once unpacked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// How to get it, in a catalogue. Folders and pack files need none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// How a file is fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "via", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Origin {
    /// One or more members of Python wheels, concatenated in order.
    Wheels {
        /// The members.
        parts: Vec<WheelPart>,
    },
    /// A file on the web, at any of several addresses.
    Web {
        /// Addresses of the same content, best first.
        urls: Vec<String>,
        /// How the content is compressed there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        compression: Option<Compression>,
    },
    /// A language model made smaller here: a larger one without the tokens that are not in a list. Only in a folder
    /// with a recipe.
    Trimmed {
        /// The list of tokens that stay: a file beside the recipe.
        keep: String,
        /// The larger model.
        base: Base,
    },
}

/// The model that a smaller one is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// Its bytes.
    pub size: u64,
    /// Its content.
    pub sha256: Digest,
    /// The members of Python wheels that make it up, in order.
    pub parts: Vec<WheelPart>,
}

impl Base {
    /// Whether a file is this model.
    pub(crate) fn is(&self, path: &Path) -> bool {
        let Ok(file) = File::open(path) else { return false };
        file.metadata().is_ok_and(|metadata| metadata.len() == self.size)
            && Digest::of_reader(&mut BufReader::new(file)).is_ok_and(|(digest, _)| digest == self.sha256)
    }
}

/// A member of a Python wheel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WheelPart {
    /// Name of the package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Content of the wheel.
    pub wheel_sha256: Digest,
    /// Bytes of the wheel.
    pub wheel_size: u64,
    /// Path of the member in the wheel.
    pub member: String,
    /// Bytes of the member.
    pub size: u64,
    /// Content of the member.
    pub sha256: Digest,
}

/// Compression of a file at its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// Told by the end of a name; also returns the name without it.
    ///
    /// ```
    /// use cuba_packs::Compression;
    /// assert_eq!(Compression::of_name("vocab.spm.gz"), (Some(Compression::Gzip), "vocab.spm"));
    /// assert_eq!(Compression::of_name("model.bin"), (None, "model.bin"));
    /// ```
    pub fn of_name(name: &str) -> (Option<Self>, &str) {
        if let Some(stem) = name.strip_suffix(".gz") {
            (Some(Self::Gzip), stem)
        } else if let Some(stem) = name.strip_suffix(".zst") {
            (Some(Self::Zstd), stem)
        } else {
            (None, name)
        }
    }
}

impl Offer {
    /// Checks every rule an offer must keep: those of a manifest, and that what it fetches from can be safe.
    pub fn check(&self) -> Result<(), PackError> {
        self.about.check()?;
        check_files(&self.about, self.files.iter().map(|file| (file.path.as_str(), &file.role, file.size)))?;
        self.files.iter().try_for_each(|file| {
            file.check_origin().map_err(|reason| {
                PackError::corrupt(format!("offer of {}", self.about.id), format!("{:?} {reason}", file.path))
            })
        })
    }

    /// Bytes on disk once installed; files of unknown size count [`UNKNOWN_FILE_ALLOWANCE`].
    pub fn size(&self) -> u64 {
        let sizes = self.files.iter().map(|file| file.size.unwrap_or(UNKNOWN_FILE_ALLOWANCE));
        sizes.fold(0, u64::saturating_add)
    }

    /// `true` where this offer lists exactly the files of `manifest` by hash: a pack of the same content, whoever handed it
    /// over.
    pub fn vouches_for(&self, manifest: &Manifest) -> bool {
        self.about.id == manifest.about.id
            && self.about.version == manifest.about.version
            && self.files.len() == manifest.files.len()
            && self.files.iter().zip(&manifest.files).all(|(offered, file)| {
                offered.path == file.path && offered.role == file.role && offered.sha256 == Some(file.sha256)
            })
    }
}

impl From<&Manifest> for Offer {
    fn from(manifest: &Manifest) -> Self {
        let files = manifest.files.iter().map(|file| OfferedFile {
            path: file.path.clone(),
            role: file.role.clone(),
            size: Some(file.size),
            sha256: Some(file.sha256),
            origin: None,
        });
        Self { about: manifest.about.clone(), files: files.collect() }
    }
}

impl OfferedFile {
    /// The most bytes that are accepted for this file.
    pub fn limit(&self) -> u64 {
        self.size.unwrap_or(UNKNOWN_FILE_LIMIT)
    }

    fn check_origin(&self) -> Result<(), String> {
        match &self.origin {
            None => Ok(()),
            Some(Origin::Web { urls, .. }) if urls.is_empty() => Err("lists no address".into()),
            Some(Origin::Web { urls, .. }) => {
                match urls.iter().find(|url| !is_allowed(url, self.sha256.is_some())) {
                    Some(_) => Err("lists an address that is not https (plain http needs a sha256)".into()),
                    None => Ok(()),
                }
            }
            Some(Origin::Wheels { parts }) => self.check_parts(parts, self.size),
            Some(Origin::Trimmed { keep, base }) => {
                check_path(keep)?;
                self.check_parts(&base.parts, Some(base.size))
            }
        }
    }

    fn check_parts(&self, parts: &[WheelPart], size: Option<u64>) -> Result<(), String> {
        let sum = parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(part.size));
        let name_ok = |name: &str| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-+".contains(&b);
            name.starts_with(|c: char| c.is_ascii_alphanumeric())
                && name.len() <= 100
                && name.bytes().all(plain)
        };
        if sum.is_none() || sum != size || self.sha256.is_none() {
            return Err("has parts that do not add up to its size, or no sha256".into());
        }
        // These names become arguments of another program.
        match parts.iter().find(|part| !name_ok(&part.package) || !name_ok(&part.version)) {
            Some(part) => Err(format!("names a package that no index can have: {:?}", part.package)),
            None => Ok(()),
        }
    }
}

/// Encrypted transport, or plain where it does not matter: content that is pinned by hash, or this very machine.
pub(crate) fn is_allowed(url: &str, pinned: bool) -> bool {
    if let Some(rest) = url.strip_prefix("https://") {
        return !rest.is_empty();
    }
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let loopback =
        |host: &str| authority == host || authority.strip_prefix(host).is_some_and(|r| r.starts_with(':'));
    pinned || ["127.0.0.1", "localhost", "[::1]"].into_iter().any(loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_needs_a_hash_or_this_machine() {
        assert!(is_allowed("https://example.org/x", false));
        assert!(is_allowed("http://127.0.0.1:8000/x", false));
        assert!(is_allowed("http://example.org/x", true));
        for url in [
            "http://example.org/x",
            "http://127.0.0.1.example.org/",
            "http://localhost@example.org/",
            "ftp://x",
            "file:///x",
            "",
        ] {
            assert!(!is_allowed(url, false), "{url}");
        }
    }
}
