//! Recognising models that a user already has, by the names their makers give the files.
//!
//! | Layout | Names |
//! | --- | --- |
//! | Firefox, Bergamot, Mozilla's registry | `model.enes.intgemm.alphas.bin`, `vocab.enes.spm` or `srcvocab.` and `trgvocab.`, `lex.50.50.enes.s2t.bin`; each also `.gz` or `.zst` |
//! | translateLocally | the same with `model_info.json` and `config.intgemm8bitalpha.yml` |
//! | a language model | one `*.gguf` |

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::digest::{Digest, Hasher};
use crate::error::PackError;
use crate::files;
use crate::manifest::{
    About, Direction, Kind, Licence, MAX_FILE_BYTES, Manifest, Needs, PackFile, Role, SCHEMA,
};
use crate::offer::Compression;
use crate::source::unpack;
use crate::staged::CHUNK;
use crate::watch::{Progress, Step, Watch};

/// Memory a translation engine takes beyond its files.
pub(crate) const NMT_OVERHEAD: u64 = 48 << 20;
/// Memory a language model takes beyond its file: caches and buffers at a context of 2,048 tokens.
const LLM_OVERHEAD: u64 = 256 << 20;

/// What a user says about files that do not say it themselves.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// Name for the pack.
    pub id: Option<String>,
    /// Direction, as BCP 47 tags.
    pub direction: Option<Direction>,
    /// Licence identifier.
    pub licence: Option<String>,
}

/// A file that was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) compression: Option<Compression>,
}

/// `model_info.json` of translateLocally, as far as it is used.
#[derive(Debug, Default, Deserialize)]
struct ModelInfo {
    #[serde(rename = "modelName", default)]
    name: String,
    #[serde(rename = "srcTags", default)]
    source: BTreeMap<String, Value>,
    #[serde(rename = "trgTag", default)]
    target: String,
    #[serde(default)]
    version: Value,
}

/// Recognises the files of `directory`, reads and hashes them, and makes a manifest of what was found.
pub(crate) fn detect(
    directory: &Path,
    hints: &Hints,
    watch: &dyn Watch,
) -> Result<(Manifest, Vec<Found>), PackError> {
    let found: Vec<Found> = files::entries(directory)?.into_iter().filter_map(recognise).collect();
    let is_gguf = |file: &&Found| files::has_extension(Path::new(&file.name), "gguf");
    if found.iter().any(|file| file.role == Role::Model && !is_gguf(&file)) {
        let found: Vec<Found> = found.into_iter().filter(|file| !is_gguf(&file)).collect();
        let manifest = translation_model(directory, &found, hints, watch)?;
        return Ok((manifest, found));
    }
    match found.iter().filter(is_gguf).collect::<Vec<_>>().as_slice() {
        [one] => language_model(&one.path, hints, watch),
        [] => Err(PackError::not_found(format!(
            "a model Cuba can use (see `packs add --help` for layouts) in {}",
            directory.display()
        ))),
        _ => Err(PackError::corrupt(
            directory.display().to_string(),
            "it holds several .gguf files; add one of them by its path",
        )),
    }
}

/// Makes a manifest of a single `.gguf` file.
pub(crate) fn language_model(
    path: &Path,
    hints: &Hints,
    watch: &dyn Watch,
) -> Result<(Manifest, Vec<Found>), PackError> {
    let mut magic = [0; 4];
    let opened = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    opened.map_err(|error| PackError::read(path, error))?;
    if magic != *b"GGUF" {
        return Err(PackError::corrupt(path.display().to_string(), "it does not begin with GGUF"));
    }
    let name = plain_name(files::name_of(path));
    let found = vec![Found { path: path.to_owned(), name, role: Role::Model, compression: None }];
    let files = hash_all(&found, watch)?;
    let id = hints.id.clone().unwrap_or_else(|| {
        let stem = files::name_of(path).trim_end_matches(".gguf").to_ascii_lowercase();
        plain_id(&stem)
    });
    let mut about = about(id, Kind::Llm, &files, LLM_OVERHEAD, hints);
    about.extra.insert("format".into(), "gguf".into());
    finish(about, files, found)
}

fn translation_model(
    directory: &Path,
    found: &[Found],
    hints: &Hints,
    watch: &dyn Watch,
) -> Result<Manifest, PackError> {
    let name = directory.display().to_string();
    let count = |role: Role| found.iter().filter(|file| file.role == role).count();
    if count(Role::Model) != 1 {
        return Err(PackError::corrupt(
            name,
            "it holds several models; put the files of one direction into one folder",
        ));
    }
    let vocabularies = (count(Role::Vocab), count(Role::SourceVocab), count(Role::TargetVocab));
    if !matches!(vocabularies, (1, 0, 0) | (0, 1, 1)) {
        let reason = "it needs one vocab*.spm, or one srcvocab*.spm and one trgvocab*.spm, beside the model";
        return Err(PackError::corrupt(name, reason));
    }
    if count(Role::Shortlist) > 1 {
        return Err(PackError::corrupt(
            name,
            "it holds several lex*.bin shortlists; keep the one of this direction",
        ));
    }
    let info = model_info(found);
    let direction =
        hints.direction.clone().or_else(|| info.direction()).or_else(|| direction_of(directory, found));
    let direction = direction.ok_or_else(|| {
        PackError::not_found(format!(
            "the direction of the model in {name} (name it with --from and --to): it"
        ))
    })?;
    let files = hash_all(found, watch)?;
    let id = hints.id.clone().unwrap_or_else(|| pack_id(&direction));
    let mut about = about(id, Kind::Nmt, &files, NMT_OVERHEAD, hints);
    about.name =
        if info.name.is_empty() { format!("{} to {}", direction.from, direction.to) } else { info.name };
    about.languages = vec![direction.from.clone(), direction.to.clone()];
    about.directions = vec![direction];
    about.extra.insert("format".into(), "marian".into());
    if !info.version.is_null() {
        about.extra.insert("publisher_version".into(), info.version);
    }
    let manifest = Manifest { about, files };
    manifest.check()?;
    Ok(manifest)
}

fn about(id: String, kind: Kind, files: &[PackFile], overhead: u64, hints: &Hints) -> About {
    let size: u64 = files.iter().map(|file| file.size).sum();
    // The same files give the same version wherever they are added.
    let all = files.iter().fold(String::new(), |all, file| format!("{all}{}", file.sha256));
    let version = Digest::of(all.as_bytes()).to_string().chars().take(12).collect();
    let licence = hints.licence.clone().unwrap_or_else(|| "LicenseRef-Unknown".into());
    let text = hints
        .licence
        .is_none()
        .then(|| "You added these files yourself: the terms you got them under apply.".into());
    About {
        schema: SCHEMA,
        name: id.clone(),
        id,
        version,
        kind,
        languages: Vec::new(),
        directions: Vec::new(),
        licence: Licence { id: licence, name: None, url: None, text, must_accept: false },
        needs: Needs { ram: size + overhead, disk: size },
        source: "added from files".into(),
        metrics: BTreeMap::new(),
        extra: BTreeMap::new(),
    }
}

fn finish(
    about: About,
    files: Vec<PackFile>,
    found: Vec<Found>,
) -> Result<(Manifest, Vec<Found>), PackError> {
    let manifest = Manifest { about, files };
    manifest.check()?;
    Ok((manifest, found))
}

/// The role a file's name gives it, if any.
fn recognise(path: PathBuf) -> Option<Found> {
    if !path.is_file() {
        return None;
    }
    let (compression, name) = Compression::of_name(files::name_of(&path));
    let name = plain_name(name);
    let lower = name.to_ascii_lowercase();
    let ends = |end: &str| lower.ends_with(end);
    let role = if ends(".gguf") || (lower.starts_with("model") && ends(".bin")) {
        Role::Model
    } else if lower.starts_with("lex") && ends(".bin") {
        Role::Shortlist
    } else if lower.starts_with("srcvocab") && ends(".spm") {
        Role::SourceVocab
    } else if lower.starts_with("trgvocab") && ends(".spm") {
        Role::TargetVocab
    } else if lower.starts_with("vocab") && ends(".spm") {
        Role::Vocab
    } else if lower.starts_with("config") && (ends(".yml") || ends(".yaml")) {
        Role::Config
    } else if lower == "model_info.json" {
        Role::Other("model-info".into())
    } else {
        return None;
    };
    Some(Found { path, name, role, compression })
}

fn hash_all(found: &[Found], watch: &dyn Watch) -> Result<Vec<PackFile>, PackError> {
    found.iter().map(|file| hash_one(file, watch)).collect()
}

fn hash_one(found: &Found, watch: &dyn Watch) -> Result<PackFile, PackError> {
    let file = File::open(&found.path).map_err(|error| PackError::read(&found.path, error))?;
    let total = file.metadata().map_or(0, |metadata| metadata.len());
    let shown = found.path.display().to_string();
    let mut reader = unpack::decoder(BufReader::new(file), found.compression, &shown)?;
    let mut hash = Hasher::new();
    let mut buffer = vec![0_u8; CHUNK];
    let mut size = 0_u64;
    loop {
        if watch.cancelled() {
            return Err(PackError::Cancelled);
        }
        watch.progress(Progress {
            step: Step::Verify,
            file: &found.name,
            done: size,
            total: total.max(size),
        });
        let n = match reader.read(&mut buffer) {
            Ok(n) => n,
            Err(error) if found.compression.is_none() => return Err(PackError::read(&found.path, error)),
            Err(error) => {
                return Err(PackError::corrupt(shown, format!("its compression is damaged: {error}")));
            }
        };
        if n == 0 {
            break;
        }
        hash.update(buffer.get(..n).unwrap_or_default());
        size += n as u64;
        if size > MAX_FILE_BYTES
            || (found.compression.is_some() && size > total.saturating_mul(200).max(1 << 20))
        {
            return Err(PackError::corrupt(shown, "it unpacks to more than a model can have"));
        }
    }
    Ok(PackFile { path: found.name.clone(), role: found.role.clone(), size, sha256: hash.digest() })
}

fn model_info(found: &[Found]) -> ModelInfo {
    let file = found.iter().find(|file| file.role == Role::Other("model-info".into()));
    let bytes = file.and_then(|file| files::read_limited(&file.path, 1 << 20).ok());
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

impl ModelInfo {
    fn direction(&self) -> Option<Direction> {
        let from = self.source.keys().next().filter(|_| self.source.len() == 1)?;
        (!self.target.is_empty())
            .then(|| Direction { from: language_tag(from), to: language_tag(&self.target) })
    }
}

/// The direction that the files' names agree on, or else the folder's name.
fn direction_of(directory: &Path, found: &[Found]) -> Option<Direction> {
    let of_file = |file: &Found| {
        let lower = file.name.to_ascii_lowercase();
        lower.split('.').skip(1).find_map(split_pair)
    };
    let model = found.iter().find(|file| file.role == Role::Model)?;
    let by_files = of_file(model).or_else(|| found.iter().find_map(of_file));
    by_files.or_else(|| {
        let name = files::name_of(directory).to_ascii_lowercase();
        let mut parts = name.split('-');
        match (parts.next(), parts.next()) {
            (Some(from), Some(to)) if is_code(from) && is_code(to) => {
                Some(Direction { from: language_tag(from), to: language_tag(to) })
            }
            _ => split_pair(&name),
        }
    })
}

/// Two codes run together: `enes`, `zh_hanten`, `hbsen`.
fn split_pair(text: &str) -> Option<Direction> {
    const NOT_LANGUAGES: [&str; 4] = ["spm", "bin", "intgemm", "alphas"];
    if NOT_LANGUAGES.contains(&text) {
        return None;
    }
    let pair = |from: &str, to: &str| {
        let both = is_code(from) && is_code(to);
        both.then(|| Direction { from: language_tag(from), to: language_tag(to) })
    };
    if text.len() == 4 {
        return text.split_at_checked(2).and_then(|(from, to)| pair(from, to));
    }
    let with_english = text.strip_prefix("en").and_then(|to| pair("en", to));
    with_english.or_else(|| text.strip_suffix("en").and_then(|from| pair(from, "en")))
}

fn is_code(code: &str) -> bool {
    let (language, script) =
        code.split_once('_').map_or((code, None), |(language, script)| (language, Some(script)));
    let letters = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase());
    (2..=3).contains(&language.len())
        && letters(language)
        && script.is_none_or(|s| s.len() == 4 && letters(s))
}

/// A publisher's language code as a BCP 47 tag: `zh_hant` is `zh-Hant`.
pub(crate) fn language_tag(code: &str) -> String {
    let mut parts = code.split(['_', '-']);
    let mut tag = parts.next().unwrap_or_default().to_ascii_lowercase();
    for part in parts {
        tag.push('-');
        let mut letters = part.chars();
        match (part.len(), letters.next()) {
            (4, Some(first)) => {
                tag.push(first.to_ascii_uppercase());
                tag.push_str(&letters.as_str().to_ascii_lowercase());
            }
            (2, _) => tag.push_str(&part.to_ascii_uppercase()),
            _ => tag.push_str(&part.to_ascii_lowercase()),
        }
    }
    tag
}

/// The id of the pack of a direction: `en-es`, `en-zh_hant`.
pub(crate) fn pack_id(direction: &Direction) -> String {
    let code = |tag: &str| tag.replace('-', "_").to_ascii_lowercase();
    format!("{}-{}", code(&direction.from), code(&direction.to))
}

fn plain_id(name: &str) -> String {
    let keep =
        |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c) { c } else { '-' };
    let id: String = name.chars().map(keep).take(64).collect();
    id.trim_start_matches(['.', '-', '_']).to_owned()
}

/// A file name reduced to what a manifest allows.
fn plain_name(name: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || "._-+@()=,".contains(c) { c } else { '-' };
    let name: String = name.chars().map(keep).take(100).collect();
    name.trim_start_matches(['.', '-']).trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_told_from_names() {
        let pair = |text| split_pair(text).map(|d| format!("{}>{}", d.from, d.to));
        assert_eq!(pair("enes").as_deref(), Some("en>es"));
        assert_eq!(pair("csde").as_deref(), Some("cs>de"));
        assert_eq!(pair("zh_hanten").as_deref(), Some("zh-Hant>en"));
        assert_eq!(pair("enzh_hant").as_deref(), Some("en>zh-Hant"));
        assert_eq!(pair("hbsen").as_deref(), Some("hbs>en"));
        for word in ["intgemm", "alphas", "50", "s2t", "spm", "bin", "intgemm8", "", "en"] {
            assert_eq!(pair(word), None, "{word}");
        }
    }

    #[test]
    fn tags_follow_bcp_47() {
        assert_eq!(language_tag("zh_hant"), "zh-Hant");
        assert_eq!(language_tag("pt-br"), "pt-BR");
        assert_eq!(language_tag("EN"), "en");
        assert_eq!(pack_id(&Direction { from: "en".into(), to: "zh-Hant".into() }), "en-zh_hant");
    }
}
