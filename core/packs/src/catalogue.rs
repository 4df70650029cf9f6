//! Catalogues: lists of offers, signed by whoever the user trusts.
//!
//! A catalogue is JSON; its signature lies beside it as text, one line a signature:
//! `cuba-ed25519 <public key, 64 hex digits> <signature, 128 hex digits>`. Signed are the bytes `cuba catalogue 1` and a zero
//! byte, then the catalogue as it is (Ed25519, RFC 8032). `sequence` only grows: an old catalogue, however genuine, cannot
//! bring back a model that was withdrawn.

use serde::{Deserialize, Serialize};

use crate::digest::{Digest, from_hex, to_hex};
use crate::error::PackError;
use crate::files;
use crate::manifest::{SCHEMA, compare_versions, json_of, parse_json};
use crate::offer::Offer;
use crate::store::{PackRef, Store};

/// The largest catalogue that is read.
pub const MAX_CATALOGUE_BYTES: u64 = 16 << 20;
const DOMAIN: &[u8] = b"cuba catalogue 1\0";
const LINE_START: &str = "cuba-ed25519";

/// A list of offers.
///
/// ```
/// let built_in = cuba_packs::Catalogue::built_in();
/// let gemma = built_in.find(&"gemma-3-270m".parse().unwrap()).unwrap();
/// assert!(gemma.about.licence.must_accept);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Catalogue {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Name, under which the highest sequence seen is remembered.
    pub name: String,
    /// Grows with every issue.
    pub sequence: u64,
    /// What it offers.
    pub offers: Vec<Offer>,
}

/// An Ed25519 public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedKey(pub [u8; 32]);

impl std::str::FromStr for TrustedKey {
    type Err = PackError;

    /// 64 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, PackError> {
        let bytes = from_hex(text).and_then(|bytes| bytes.try_into().ok()).map(Self);
        bytes.ok_or_else(|| PackError::corrupt("the public key", "it is not 64 hexadecimal digits"))
    }
}

impl Catalogue {
    /// The catalogue that is part of this program: models that Python wheels carry. As trusted as the program.
    ///
    /// # Panics
    /// Never: its text is checked by a test.
    pub fn built_in() -> Self {
        Self::parse(include_bytes!("../catalogue/builtin.json"))
            .expect("the built-in catalogue is checked by a test")
    }

    /// Parses and checks a catalogue. Says nothing about who wrote it: see [`Catalogue::verified`].
    pub fn parse(json: &[u8]) -> Result<Self, PackError> {
        let catalogue: Self = parse_json("catalogue", json, MAX_CATALOGUE_BYTES)?;
        if catalogue.schema != SCHEMA {
            let reason = format!("schema {} is not known to this version of Cuba", catalogue.schema);
            return Err(PackError::corrupt("catalogue", reason));
        }
        let name = &catalogue.name;
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            return Err(PackError::corrupt("catalogue", "its name is not 1 to 64 of a-z, 0-9, '-'"));
        }
        catalogue.offers.iter().try_for_each(Offer::check)?;
        Ok(catalogue)
    }

    /// Parses a catalogue that one of `keys` has signed. Fails with [`PackError::Untrusted`] before looking at the content.
    pub fn verified(json: &[u8], signatures: &str, keys: &[TrustedKey]) -> Result<Self, PackError> {
        let mut message = DOMAIN.to_vec();
        message.extend_from_slice(json);
        let valid = |line: &str| {
            let mut words = line.split_whitespace();
            let (start, key, signature) = (words.next()?, from_hex(words.next()?)?, from_hex(words.next()?)?);
            let trusted = start == LINE_START && keys.iter().any(|trusted| trusted.0.as_slice() == key);
            let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, key);
            (trusted && key.verify(&message, &signature).is_ok()).then_some(())
        };
        if signatures.lines().take(64).any(|line| valid(line).is_some()) {
            return Self::parse(json);
        }
        let reason = "no key you trust has signed it as it is";
        Err(PackError::Untrusted { what: "the catalogue".into(), reason: reason.into() })
    }

    /// The offer of a pack; of its highest version where none is named.
    pub fn find(&self, pack: &PackRef) -> Option<&Offer> {
        let versions = self.offers.iter().filter(|offer| offer.about.id == pack.id);
        let versions =
            versions.filter(|offer| pack.version.as_ref().is_none_or(|v| *v == offer.about.version));
        versions.max_by(|a, b| compare_versions(&a.about.version, &b.about.version))
    }
}

/// Signs a catalogue with an Ed25519 key in PKCS#8 (as `ring` or `openssl genpkey` make it). Gives the line for the file
/// beside it.
pub fn sign_catalogue(json: &[u8], pkcs8: &[u8]) -> Result<String, PackError> {
    use ring::signature::{Ed25519KeyPair, KeyPair};
    Catalogue::parse(json)?;
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8)
        .map_err(|_| PackError::corrupt("the signing key", "it is not an Ed25519 key in PKCS#8"))?;
    let mut message = DOMAIN.to_vec();
    message.extend_from_slice(json);
    let (key, signature) = (to_hex(pair.public_key().as_ref()), to_hex(pair.sign(&message).as_ref()));
    Ok(format!("{LINE_START} {key} {signature}\n"))
}

/// A catalogue as the store keeps it: its bytes are checked again at every reading.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Digest of the catalogue with the highest sequence seen.
    sha256: Digest,
    sequence: u64,
    json: String,
    signatures: String,
}

impl Store {
    /// Takes a new issue of a signed catalogue, to be read again by [`Store::catalogue`]. Fails with
    /// [`PackError::Untrusted`] where no trusted key signed it, where it is older than the one kept, or where it is another
    /// one of the same sequence.
    pub fn accept_catalogue(
        &self,
        json: &[u8],
        signatures: &str,
        keys: &[TrustedKey],
    ) -> Result<Catalogue, PackError> {
        let catalogue = Catalogue::verified(json, signatures, keys)?;
        let sha256 = Digest::of(json);
        let _lock = self.lock()?;
        let directory = self.root.join("catalogues");
        files::create_directories(&directory)?;
        if let Some(kept) = self.kept(&catalogue.name)? {
            let refuse = |reason: String| {
                Err(PackError::Untrusted { what: format!("the catalogue {}", catalogue.name), reason })
            };
            if catalogue.sequence < kept.sequence {
                return refuse(format!(
                    "it is issue {}, and issue {} was seen",
                    catalogue.sequence, kept.sequence
                ));
            }
            if catalogue.sequence == kept.sequence && sha256 != kept.sha256 {
                return refuse(format!("there are two different issues {}", catalogue.sequence));
            }
        }
        let (json, signatures) = (String::from_utf8_lossy(json).into_owned(), signatures.to_owned());
        let kept = Kept { sha256, sequence: catalogue.sequence, json, signatures };
        let bytes = json_of(&kept);
        files::write_atomically(&directory.join(format!("{}.json", catalogue.name)), &bytes)?;
        Ok(catalogue)
    }

    /// The issue of a catalogue that was taken last, its signature checked anew; `None` where none was.
    pub fn catalogue(&self, name: &str, keys: &[TrustedKey]) -> Result<Option<Catalogue>, PackError> {
        let kept = self.kept(name)?;
        kept.map(|kept| Catalogue::verified(kept.json.as_bytes(), &kept.signatures, keys)).transpose()
    }

    fn kept(&self, name: &str) -> Result<Option<Kept>, PackError> {
        let listed = files::entries(&self.root.join("catalogues"))?;
        let file_name = format!("{name}.json");
        let Some(path) = listed.into_iter().find(|path| files::name_of(path) == file_name) else {
            return Ok(None);
        };
        let limit = 3 * MAX_CATALOGUE_BYTES;
        parse_json(&path.display().to_string(), &files::read_limited(&path, limit)?, limit).map(Some)
    }
}
