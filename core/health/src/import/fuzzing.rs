//! Doors to the parsers for `fuzz/`: not for use.

use std::io::Read;

use super::xml::{Node, Xml};
use crate::store::{Recording, RoutePoint};

/// Hands out an odd number of bytes at a time, so that nodes are cut.
struct Dripping<'a>(&'a [u8]);

impl Read for Dripping<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = buf.len().min(113);
        buf.get_mut(..n).map_or(Ok(0), |part| self.0.read(part))
    }
}

/// Scans with text.
///
/// # Panics
/// If a place goes backwards, or the scanner reads more than there is.
pub fn scan_xml(bytes: &[u8]) {
    let mut xml = Xml::with_text(Dripping(bytes));
    let mut last = 0;
    while let Ok(Some(node)) = xml.next() {
        if let Node::Open(tag) = &node {
            let length: usize = tag.attributes().map(|(name, value)| name.len() + value.len()).sum();
            assert!(length < bytes.len());
        }
        let place = xml.place();
        assert!(place > last && place <= bytes.len() as u64);
        last = place;
    }
}

/// The points of a workout's GPX file.
pub fn gpx_route(bytes: &[u8]) -> Vec<RoutePoint> {
    super::apple::route_points_of(Dripping(bytes))
}

/// An electrocardiogram.
pub fn ecg(bytes: &[u8]) -> Option<Recording> {
    super::apple::ecg_of(Dripping(bytes))
}
