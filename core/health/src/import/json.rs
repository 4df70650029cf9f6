//! Large JSON files, an element at a time.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
pub(super) use serde_json::Value;

use super::Stop;

/// One element is a day or a night; a longer one is no export's.
const MAX_ELEMENT: u64 = 32 << 20;

/// Calls `take` with each element of the array that the file is, or of the arrays under `keys` when it is an object
/// (an element under another key is passed over; an object without any of the keys is one element itself).
/// Returns whether the file was read to its end.
pub(super) fn each(
    reader: impl Read,
    keys: &[&str],
    take: &mut dyn FnMut(&str, &Value, u64) -> Result<(), Stop>,
) -> Result<bool, Stop> {
    let (since, total) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let mut reader = BufReader::with_capacity(1 << 16, reader);
    // Some exporters begin a file with a mark of its encoding.
    if io::BufRead::fill_buf(&mut reader)?.starts_with(&[0xEF, 0xBB, 0xBF]) {
        io::BufRead::consume(&mut reader, 3);
    }
    let limited = Limited { reader, since: since.clone(), total: total.clone() };
    let mut stop = None;
    let mut state = State { take, stop: &mut stop, since, total };
    let mut input = serde_json::Deserializer::from_reader(limited);
    let read = Root { keys, state: &mut state }.deserialize(&mut input);
    match (stop, read) {
        (Some(stop), _) => Err(stop),
        (None, Ok(())) => Ok(true),
        (None, Err(error)) if error.is_io() && error.io_error_kind() != Some(io::ErrorKind::InvalidData) => {
            Err(Stop::Failed(io::Error::from(error).into()))
        }
        (None, Err(_)) => Ok(false),
    }
}

struct Limited<R> {
    reader: R,
    since: Rc<Cell<u64>>,
    total: Rc<Cell<u64>>,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buf)?;
        self.since.set(self.since.get() + n as u64);
        self.total.set(self.total.get() + n as u64);
        if self.since.get() > MAX_ELEMENT {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "an element is too long"));
        }
        Ok(n)
    }
}

struct State<'s> {
    take: &'s mut dyn FnMut(&str, &Value, u64) -> Result<(), Stop>,
    stop: &'s mut Option<Stop>,
    since: Rc<Cell<u64>>,
    total: Rc<Cell<u64>>,
}

impl State<'_> {
    fn element<E: serde::de::Error>(&mut self, key: &str, value: &Value) -> Result<(), E> {
        self.since.set(0);
        (self.take)(key, value, self.total.get()).map_err(|stop| {
            *self.stop = Some(stop);
            E::custom("stopped")
        })
    }
}

struct Root<'k, 's, 't> {
    keys: &'k [&'k str],
    state: &'s mut State<'t>,
}

impl<'de> DeserializeSeed<'de> for Root<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Root<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        elements("", seq, self.state)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut rest = serde_json::Map::new();
        let mut found = false;
        while let Some(key) = map.next_key::<String>()? {
            if self.keys.contains(&key.as_str()) {
                found = true;
                map.next_value_seed(Array { key: &key, state: self.state })?;
            } else if self.keys.is_empty() && rest.len() < 1000 {
                rest.insert(key, map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        if found || !self.keys.is_empty() {
            return Ok(());
        }
        self.state.element("", &Value::Object(rest))
    }
}

struct Array<'k, 's, 't> {
    key: &'k str,
    state: &'s mut State<'t>,
}

impl<'de> DeserializeSeed<'de> for Array<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Array<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        elements(self.key, seq, self.state)
    }
}

fn elements<'de, A: SeqAccess<'de>>(key: &str, mut seq: A, state: &mut State<'_>) -> Result<(), A::Error> {
    while let Some(value) = seq.next_element::<Value>()? {
        state.element(key, &value)?;
    }
    Ok(())
}

/// A number, also one written as text.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|v| v.is_finite())
}

/// A number of a field.
pub(super) fn field(value: &Value, name: &str) -> Option<f64> {
    number(value.get(name)?)
}

/// A text of a field.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str().filter(|t| !t.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str, keys: &[&str]) -> (Vec<String>, bool) {
        let mut out = Vec::new();
        let whole = each(json.as_bytes(), keys, &mut |key, value, _| {
            out.push(format!("{key}:{value}"));
            Ok(())
        });
        (out, whole.unwrap())
    }

    #[test]
    fn elements_come_one_by_one_up_to_the_damage() {
        assert_eq!(read("[1, {\"a\": 2}]", &[]), (vec![":1".to_owned(), ":{\"a\":2}".to_owned()], true));
        assert_eq!(
            read("{\"x\": [9], \"p\": [1, 2]}", &["p"]),
            (vec!["p:1".to_owned(), "p:2".to_owned()], true)
        );
        assert_eq!(read("\u{feff}[1]", &[]), (vec![":1".to_owned()], true));
        assert_eq!(read("{\"x\": 1}", &[]), (vec![":{\"x\":1}".to_owned()], true));
        assert_eq!(read("[1, 2, tru", &[]), (vec![":1".to_owned(), ":2".to_owned()], false));
    }
}
