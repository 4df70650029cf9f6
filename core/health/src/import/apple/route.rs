//! The points of a workout's GPX file.

use std::io::Read;

use super::super::xml::{Node, Tag, Xml, unescape};
use super::text::decimal;
use crate::store::RoutePoint;

/// A day and a night at two points a second; more would fill the memory.
const MAX_POINTS: usize = 200_000;

#[derive(Clone, Copy)]
enum Field {
    Altitude,
    Time,
    Speed,
    Accuracy,
    None,
}

/// Every track point with a place and a time; what is damaged ends the list or is left out.
pub(super) fn points(reader: impl Read) -> Vec<RoutePoint> {
    let mut xml = Xml::with_text(reader);
    let mut out = Vec::new();
    let mut point: Option<RoutePoint> = None;
    let mut field = Field::None;
    while let Ok(Some(node)) = xml.next() {
        match node {
            Node::Open(tag) if tag.name == b"trkpt" => {
                point = at(&tag);
                field = Field::None;
            }
            Node::Open(tag) => {
                field = match tag.name {
                    b"ele" => Field::Altitude,
                    b"time" => Field::Time,
                    b"speed" => Field::Speed,
                    b"hAcc" => Field::Accuracy,
                    _ => Field::None,
                };
            }
            Node::Text(raw) => {
                if let Some(point) = &mut point {
                    set(point, field, raw);
                }
            }
            Node::Close(name) => {
                field = Field::None;
                if name == b"trkpt" {
                    out.extend(point.take().filter(|p| p.time_ms != i64::MIN));
                    if out.len() >= MAX_POINTS {
                        break;
                    }
                }
            }
            Node::Cdata(_) | Node::Broken => {}
        }
    }
    out
}

fn at(tag: &Tag<'_>) -> Option<RoutePoint> {
    let degrees = |name, limit: f64| {
        tag.get(name).and_then(|raw| decimal(raw.trim_ascii(), 0)).filter(|d| d.abs() <= limit)
    };
    Some(RoutePoint {
        time_ms: i64::MIN,
        latitude: degrees("lat", 90.0)?,
        longitude: degrees("lon", 180.0)?,
        altitude: f64::NAN,
        speed: f64::NAN,
        accuracy: f64::NAN,
    })
}

fn set(point: &mut RoutePoint, field: Field, raw: &[u8]) {
    let number = || decimal(raw.trim_ascii(), 0).unwrap_or(f64::NAN);
    match field {
        Field::Altitude => point.altitude = number(),
        Field::Speed => point.speed = number(),
        Field::Accuracy => point.accuracy = number(),
        Field::Time => {
            if let Ok(time) = unescape(raw.trim_ascii()).parse::<jiff::Timestamp>() {
                point.time_ms = time.as_millisecond();
            }
        }
        Field::None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_a_track() {
        let gpx = br#"<?xml version="1.0"?><gpx><metadata><time>2023-01-01T00:00:00Z</time></metadata><trk><trkseg>
            <trkpt lon="-1.5" lat="52.25"><ele>81.3</ele><time>2023-01-01T08:00:00Z</time>
            <extensions><speed>2.5</speed><course>90</course><hAcc>1.9</hAcc><vAcc>1.5</vAcc></extensions></trkpt>
            <trkpt lon="999" lat="52.25"><time>2023-01-01T08:00:01Z</time></trkpt>
            <trkpt lon="1" lat="2"></trkpt>
            <trkpt lon="1" lat="2"><time>2023-01-01T08:00:02.500Z</time></trkpt></trkseg></trk></gpx>"#;
        let points = points(gpx.as_slice());
        assert_eq!(points.len(), 2);
        assert_eq!(
            (points[0].latitude, points[0].altitude, points[0].speed, points[0].accuracy),
            (52.25, 81.3, 2.5, 1.9)
        );
        assert_eq!(points[1].time_ms - points[0].time_ms, 2500);
    }
}
