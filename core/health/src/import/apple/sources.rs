//! Who measured: Apple's source names and device descriptions as sources of the store.

use std::collections::BTreeMap;

use memchr::{memchr, memmem};

use super::super::xml::unescape;
use crate::HealthError;
use crate::store::{Batch, NewSource, SourceId, SourceKind};

/// A hostile file may hold a million names; real ones hold some dozens.
const MAX_SOURCES: usize = 1000;

/// Sources met so far; records mostly keep to the last.
#[derive(Default)]
pub(super) struct Sources {
    known: BTreeMap<(Vec<u8>, SourceKind), SourceId>,
    last: Option<(Vec<u8>, Vec<u8>, SourceId)>,
}

impl Sources {
    /// The source of a record's raw `sourceName` and `device`.
    #[inline]
    pub(super) fn get(
        &mut self,
        batch: &mut Batch<'_>,
        name: &[u8],
        device: &[u8],
    ) -> Result<SourceId, HealthError> {
        let device = description(device);
        if let Some((last_name, last_device, id)) = &self.last
            && last_name == name
            && last_device == device
        {
            return Ok(*id);
        }
        self.look_up(batch, name, device)
    }

    fn look_up(
        &mut self,
        batch: &mut Batch<'_>,
        name: &[u8],
        device: &[u8],
    ) -> Result<SourceId, HealthError> {
        let hardware = hardware(device);
        // Real names are short; the rest of an endless one says nothing.
        let name = name.get(..200).unwrap_or(name);
        let key = (name.to_vec(), hardware);
        let id = if let Some(id) = self.known.get(&key) {
            *id
        } else {
            let full = self.known.len() >= MAX_SOURCES;
            let id = obtain(batch, if full { b"Others" } else { name }, hardware)?;
            if !full {
                self.known.insert(key, id);
            }
            id
        };
        if device.len() < 1000 {
            self.last = Some((name.to_vec(), device.to_vec(), id));
        }
        Ok(id)
    }
}

fn obtain(batch: &mut Batch<'_>, name: &[u8], hardware: SourceKind) -> Result<SourceId, HealthError> {
    let name = readable(name);
    let kind = match hardware {
        SourceKind::Unknown => by_name(&name),
        known => known,
    };
    // One app on a watch and on a phone is two sources: they measure different things.
    let key = format!("apple:{}:{name}", kind.name());
    batch.source(&NewSource::new(&key, &name, kind))
}

/// Names hold no-break spaces ("Apple\u{a0}Watch") and what the user typed.
fn readable(name: &[u8]) -> String {
    let text: String = unescape(name).chars().filter(|c| !c.is_control()).take(80).collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() { "Apple Health".to_owned() } else { words.join(" ") }
}

/// The description after its address in memory, which differs from record to record:
/// `&lt;&lt;HKDevice: 0x28&gt;, name:Apple Watch, manufacturer:Apple Inc., model:Watch...`.
#[inline]
fn description(device: &[u8]) -> &[u8] {
    memchr(b',', device).and_then(|i| device.get(i..)).unwrap_or(device)
}

fn hardware(device: &[u8]) -> SourceKind {
    const SIGNS: [(&[u8], SourceKind); 12] = [
        (b"model:Watch", SourceKind::Watch),
        (b"model:iPhone", SourceKind::Phone),
        (b"model:iPad", SourceKind::Phone),
        (b"name:Apple Watch", SourceKind::Watch),
        (b"name:iPhone", SourceKind::Phone),
        (b"Polar H", SourceKind::Strap),
        (b"TICKR", SourceKind::Strap),
        (b"HRM", SourceKind::Strap),
        (b"Oura", SourceKind::Ring),
        (b"Scale", SourceKind::Scale),
        (b"scale", SourceKind::Scale),
        (b"WBS", SourceKind::Scale),
    ];
    SIGNS.iter().find(|s| memmem::find(device, s.0).is_some()).map_or(SourceKind::Unknown, |s| s.1)
}

fn by_name(name: &str) -> SourceKind {
    let name = name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| name.contains(w));
    if has(&["watch"]) {
        SourceKind::Watch
    } else if has(&["iphone", "ipad", "ipod"]) {
        SourceKind::Phone
    } else if has(&["oura", "ringconn", "ultrahuman"]) {
        SourceKind::Ring
    } else if has(&["scale", "waage", "báscula", "balança", "balance connect"]) {
        SourceKind::Scale
    } else {
        SourceKind::App
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_tell_what_they_are() {
        let watch = "&lt;&lt;HKDevice: 0x2835d1220&gt;, name:Apple Watch, manufacturer:Apple Inc., model:Watch, hardware:Watch6,2&gt;";
        let other = watch.replace("0x2835d1220", "0x1");
        assert_eq!(description(watch.as_bytes()), description(other.as_bytes()));
        assert_eq!(hardware(description(watch.as_bytes())), SourceKind::Watch);
        assert_eq!(hardware(b", name:Polar H10 1234, manufacturer:Polar"), SourceKind::Strap);
        assert_eq!(hardware(b""), SourceKind::Unknown);
        assert_eq!(
            readable("Anna\u{2019}s Apple\u{a0}Watch &amp; co".as_bytes()),
            "Anna\u{2019}s Apple Watch & co"
        );
        assert_eq!((by_name("Strava"), by_name("Annas iPhone")), (SourceKind::App, SourceKind::Phone));
    }
}
