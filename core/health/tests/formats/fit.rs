//! FIT: a writer made from the protocol's description (header, definitions, data, CRC-16), and real files.

use cuba_health::import::Input;
use cuba_health::metric::Metric;
use cuba_health::store::Day;
use proptest::prelude::*;

use crate::{Home, report};

/// Bytes of a field by the protocol's base types.
#[derive(Clone, Debug)]
pub(crate) enum V {
    U8(u8),
    I8(i8),
    U16(u16),
    I16(i16),
    U32(u32),
    I32(i32),
    F32(f32),
    Text(&'static str),
    U16s(Vec<u16>),
    Bytes(Vec<u8>),
}

impl V {
    fn base(&self) -> u8 {
        match self {
            V::U8(_) => 2,
            V::I8(_) => 1,
            V::U16(_) | V::U16s(_) => 0x84,
            V::I16(_) => 0x83,
            V::U32(_) => 0x86,
            V::I32(_) => 0x85,
            V::F32(_) => 0x88,
            V::Text(_) => 7,
            V::Bytes(_) => 0x0D,
        }
    }

    fn bytes(&self, big: bool) -> Vec<u8> {
        let turn = |mut b: Vec<u8>| {
            if big {
                b.reverse();
            }
            b
        };
        match self {
            V::U8(v) => vec![*v],
            V::I8(v) => vec![*v as u8],
            V::U16(v) => turn(v.to_le_bytes().to_vec()),
            V::I16(v) => turn(v.to_le_bytes().to_vec()),
            V::U32(v) => turn(v.to_le_bytes().to_vec()),
            V::I32(v) => turn(v.to_le_bytes().to_vec()),
            V::F32(v) => turn(v.to_le_bytes().to_vec()),
            V::Text(t) => t.bytes().chain([0]).collect(),
            V::U16s(v) => v.iter().flat_map(|x| turn(x.to_le_bytes().to_vec())).collect(),
            V::Bytes(b) => b.clone(),
        }
    }
}

#[derive(Default)]
pub(crate) struct Fit {
    data: Vec<u8>,
    big: bool,
}

impl Fit {
    /// A definition and one data message under local type `local`.
    fn message(&mut self, local: u8, global: u16, fields: &[(u8, V)]) -> &mut Self {
        self.define(local, global, fields, &[]);
        self.data_of(local, fields)
    }

    fn define(&mut self, local: u8, global: u16, fields: &[(u8, V)], developer: &[u8]) {
        self.data.push(0x40 | local | if developer.is_empty() { 0 } else { 0x20 });
        self.data.push(0);
        self.data.push(u8::from(self.big));
        self.data.extend(if self.big { global.to_be_bytes() } else { global.to_le_bytes() });
        self.data.push(fields.len() as u8);
        for (number, value) in fields {
            self.data.extend([*number, value.bytes(false).len() as u8, value.base()]);
        }
        if !developer.is_empty() {
            self.data.push(developer.len() as u8);
            for (i, size) in developer.iter().enumerate() {
                self.data.extend([i as u8, *size, 0]);
            }
        }
    }

    fn data_of(&mut self, local: u8, fields: &[(u8, V)]) -> &mut Self {
        self.data.push(local);
        for (_, value) in fields {
            self.data.extend(value.bytes(self.big));
        }
        self
    }

    fn compressed(&mut self, local: u8, offset: u8, fields: &[(u8, V)]) {
        self.data.push(0x80 | (local << 5) | offset);
        for (_, value) in fields {
            self.data.extend(value.bytes(self.big));
        }
    }

    pub(crate) fn finish(&self) -> Vec<u8> {
        let mut out = vec![14, 0x20, 0x54, 0x08];
        out.extend((self.data.len() as u32).to_le_bytes());
        out.extend(b".FIT");
        let crc = crc16(&out);
        out.extend(crc.to_le_bytes());
        out.extend(&self.data);
        let crc = crc16(&out);
        out.extend(crc.to_le_bytes());
        out
    }
}

/// CRC-16/ARC a bit at a time: another way than the importer's.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0u16, |crc, b| {
        (0..8).fold(crc ^ u16::from(*b), |c, _| if c & 1 == 1 { (c >> 1) ^ 0xA001 } else { c >> 1 })
    })
}

/// 2026-06-01T06:00:00Z in FIT seconds.
const T: u32 = 1_780_293_600 - 631_065_600;

pub(crate) fn activity() -> Fit {
    let mut f = Fit::default();
    f.message(0, 0, &[(0, V::U8(4)), (1, V::U16(1)), (2, V::U16(3121)), (3, V::U32(77)), (4, V::U32(T))]);
    f.message(1, 23, &[(253, V::U32(T)), (0, V::U8(0)), (27, V::Text("Edge 530"))]);
    let degrees = |d: f64| V::I32((d * 2_147_483_648.0 / 180.0).round() as i32);
    for i in 0..5u32 {
        let record = [
            (253, V::U32(T + i)),
            (0, degrees(52.52 + f64::from(i) * 1e-5)),
            (1, degrees(13.405)),
            (3, V::U8(120 + i as u8)),
            (4, V::U8(85)),
            (53, V::U8(64)),
            (73, V::U32(2750)),
            (78, V::U32((500 + 35) * 5)),
        ];
        if i == 0 {
            // With eight bytes of developer fields that have to be passed over.
            f.define(2, 20, &record, &[4, 4]);
        }
        f.data_of(2, &record);
        f.data.extend([9; 8]);
    }
    f.message(4, 78, &[(0, V::U16s(vec![500, 510, 0xFFFF, 0xFFFF, 0xFFFF]))]);
    f.message(
        5,
        18,
        &[
            (253, V::U32(T + 5)),
            (2, V::U32(T)),
            (5, V::U8(1)),
            (6, V::U8(3)),
            (7, V::U32(4500)),
            (8, V::U32(4000)),
            (9, V::U32(1234)),
            (10, V::U32(6)),
            (11, V::U16(3)),
            (16, V::U8(122)),
            (17, V::U8(124)),
            (110, V::Text("Morning")),
        ],
    );
    // Local time: two hours east.
    f.message(6, 34, &[(253, V::U32(T + 5)), (5, V::U32(T + 5 + 7200))]);
    f
}

#[test]
fn an_activity_with_route_beats_and_developer_fields() {
    let home = Home::new();
    let input = Input::in_memory("run.fit", activity().finish()).unwrap();
    insta::assert_snapshot!(home.import_twice(&input));
}

#[test]
fn byte_order_does_not_matter() {
    let dumps = [false, true].map(|big| {
        let mut f = Fit { big, ..Fit::default() };
        f.message(0, 0, &[(0, V::U8(9)), (1, V::U16(1)), (3, V::U32(5))]);
        f.message(0, 30, &[(253, V::U32(T)), (0, V::U16(8050)), (1, V::U16(2150)), (13, V::U16(247))]);
        f.message(0, 51, &[(253, V::U32(T)), (0, V::U16(121)), (1, V::U16(79)), (6, V::U8(61))]);
        let home = Home::new();
        home.import_twice(&Input::in_memory("scale.fit", f.finish()).unwrap())
    });
    assert_eq!(dumps[0], dumps[1]);
    insta::assert_snapshot!(dumps[0]);
}

#[test]
fn compressed_times_and_joined_files() {
    let mut f = Fit::default();
    f.message(0, 0, &[(0, V::U8(4)), (1, V::U16(1)), (3, V::U32(9))]);
    f.message(1, 20, &[(253, V::U32(T)), (3, V::U8(100))]);
    f.define(1, 20, &[(3, V::U8(0))], &[]);
    // Five bits of seconds: 10 s on, 40 s on (over the end of the five bits), and the same second again.
    let low = |t: u32| (t & 31) as u8;
    f.compressed(1, low(T + 10), &[(3, V::U8(101))]);
    f.compressed(1, low(T + 30), &[(3, V::U8(102))]);
    f.compressed(1, low(T + 50), &[(3, V::U8(103))]);
    let mut joined = f.finish();
    let mut second = Fit::default();
    second.message(0, 0, &[(0, V::U8(4)), (1, V::U16(23)), (3, V::U32(10))]);
    second.message(1, 20, &[(253, V::U32(T + 100)), (3, V::U8(90))]);
    joined.extend(second.finish());
    let home = Home::new();
    insta::assert_snapshot!(home.import_twice(&Input::in_memory("two.fit", joined).unwrap()));
}

fn monitoring_file(from: u32, local_midnight: bool, totals: &[(u32, u8, u32)]) -> Vec<u8> {
    let mut f = Fit::default();
    f.message(0, 0, &[(0, V::U8(32)), (1, V::U16(1)), (2, V::U16(1837)), (3, V::U32(3))]);
    // 06:00Z is local midnight six hours west; the file says so.
    let local = if local_midnight { from - 6 * 3600 } else { from - 6 * 3600 + 1 };
    f.message(
        0,
        103,
        &[
            (253, V::U32(from)),
            (0, V::U32(local)),
            (3, V::U16s(vec![9720, 7560])),
            (1, V::Bytes(vec![1, 6])),
            (5, V::U16(2042)),
        ],
    );
    for (i, (t, kind, steps)) in totals.iter().enumerate() {
        if i == 0 {
            f.message(1, 55, &[(253, V::U32(*t)), (3, V::U32(*steps)), (5, V::U8(*kind))]);
        } else {
            // Kind in five bits, intensity in three.
            let low = V::U16((*t & 0xFFFF) as u16);
            f.message(2, 55, &[(3, V::U32(*steps)), (26, low), (24, V::Bytes(vec![kind | (3 << 5)]))]);
        }
    }
    f.message(3, 55, &[(26, V::U16(((from + 30_000) & 0xFFFF) as u16)), (27, V::U8(58))]);
    f.message(3, 227, &[(0, V::I16(37)), (1, V::U32(from + 60)), (3, V::I8(81))]);
    f.message(3, 227, &[(0, V::I16(-1)), (1, V::U32(from + 120)), (3, V::I8(127))]);
    f.message(3, 297, &[(253, V::U32(from + 60)), (0, V::I16(1475))]);
    f.message(3, 269, &[(253, V::U32(from + 60)), (0, V::U8(97))]);
    f.message(3, 211, &[(253, V::U32(from + 60)), (0, V::U8(52)), (1, V::U8(50))]);
    f.message(3, 371, &[(253, V::U32(from + 60)), (0, V::U16(45 * 128 + 64))]);
    f.message(3, 398, &[(253, V::U32(from + 60)), (1, V::F32(-0.25))]);
    f.finish()
}

#[test]
fn monitoring_totals_become_amounts() {
    let home = Home::new();
    let bytes = monitoring_file(
        T,
        true,
        &[(T + 25_000, 6, 100), (T + 25_240, 6, 315), (T + 26_000, 1, 40), (T + 92_000, 6, 300)],
    );
    insta::assert_snapshot!(home.import_twice(&Input::in_memory("day.fit", bytes).unwrap()));
}

#[test]
fn a_file_from_the_middle_of_a_day_goes_on_from_the_one_before() {
    let noon = T + 43_200;
    let morning = monitoring_file(T, true, &[(T + 25_000, 6, 100), (T + 43_100, 6, 900)]);
    let evening = monitoring_file(noon, false, &[(noon, 6, 1000), (noon + 600, 6, 1500)]);
    let steps = |files: &[&Vec<u8>]| {
        let home = Home::new();
        for file in files {
            home.import_twice(&Input::in_memory("part.fit", (*file).clone()).unwrap());
        }
        let source = home.store.sources().unwrap()[0].id;
        let samples = home.store.samples(Metric::Steps, source, Day(0), Day(100_000)).unwrap();
        samples.iter().map(|s| s.value).sum::<f64>()
    };
    assert_eq!(steps(&[&morning, &evening]), 1500.0);
    assert_eq!(steps(&[&evening]), 1500.0);
}

#[test]
fn sleep_stages_last_until_the_next() {
    let mut f = Fit::default();
    f.message(0, 0, &[(0, V::U8(49)), (1, V::U16(1)), (3, V::U32(3))]);
    for (after, level) in [(0, 1), (600, 2), (660, 2), (4000, 3), (6000, 4), (8000, 0), (8600, 2)] {
        f.message(1, 275, &[(253, V::U32(T + after)), (0, V::U8(level))]);
    }
    f.message(2, 21, &[(253, V::U32(T + 9000)), (0, V::U8(74)), (1, V::U8(1))]);
    f.message(2, 346, &[(253, V::U32(T + 9000)), (6, V::U8(83))]);
    f.message(2, 412, &[(0, V::U32(T + 40_000)), (2, V::U32(T + 42_000))]);
    let home = Home::new();
    insta::assert_snapshot!(home.import_twice(&Input::in_memory("sleep.fit", f.finish()).unwrap()));
}

#[test]
fn a_strap_that_handed_over_later() {
    let mut f = Fit::default();
    f.message(0, 0, &[(0, V::U8(4)), (1, V::U16(1)), (3, V::U32(3))]);
    f.message(1, 132, &[(253, V::U32(T)), (0, V::U16(16_384)), (6, V::U8(70)), (9, V::U32(0x0001_0800))]);
    // Counts of 1/1024 s, twelve bits each: half a second, then two seconds later over the end of the twelve bits.
    let (a, b) = (0xA00u16, 0x200u16);
    let packed = vec![a as u8, (a >> 8) as u8 | ((b & 0xF) << 4) as u8, (b >> 4) as u8];
    f.message(1, 132, &[(10, V::Bytes(packed)), (6, V::Bytes(vec![71, 72]))]);
    let home = Home::new();
    insta::assert_snapshot!(home.import_twice(&Input::in_memory("swim.fit", f.finish()).unwrap()));
}

/// Fourteen bits of milliseconds, a bit of trust, a bit that says gap; time runs on over doubtful beats and gaps.
#[test]
fn raw_beats() {
    let good = |ms: u16| ms | 1 << 14;
    let mut f = Fit::default();
    f.message(0, 0, &[(0, V::U8(4)), (1, V::U16(1)), (3, V::U32(3))]);
    let beats = vec![good(800), 810, 1 << 15 | 5000, good(790), 0xFFFF];
    f.message(1, 372, &[(253, V::U32(T)), (0, V::U16(250)), (1, V::U16s(beats))]);
    let home = Home::new();
    insta::assert_snapshot!(home.import_twice(&Input::in_memory("bbi.fit", f.finish()).unwrap()));
}

#[test]
fn damage_is_told_and_what_came_before_is_kept() {
    let whole = activity().finish();
    let home = Home::new();
    let mut wrong = whole.clone();
    wrong[60] ^= 1;
    let error = home.import(&Input::in_memory("run.fit", wrong).unwrap()).unwrap_err().to_string();
    assert!(error.contains("checksum") || error.contains("damaged"), "{error}");
    assert!(home.store.series().unwrap().is_empty());
    let cut = Input::in_memory("run.fit", whole[..whole.len() - 60].to_vec()).unwrap();
    let done = home.import(&cut).unwrap();
    insta::assert_snapshot!(format!("{}\n{}", report(&done), home.dump()));
}

/// The real files beside the repository, when they are there.
#[test]
fn real_files_of_the_shared_data_when_present() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/health/fit");
    if !folder.is_dir() {
        return;
    }
    for name in ["hrv-activity.fit", "MonitoringFile.fit"] {
        let home = Home::new();
        insta::assert_snapshot!(name, home.import_twice(&Input::open(&folder.join(name)).unwrap()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn broken_files_never_panic(at in 14usize..400, byte: u8, cut in 14usize..400) {
        let mut bytes = activity().finish();
        let i = at % bytes.len();
        bytes[i] = byte;
        bytes.truncate(cut.max(14));
        // A right checksum over wrong data: the decoder itself is tried.
        let end = bytes.len();
        bytes[4..8].copy_from_slice(&((end - 14) as u32).to_le_bytes());
        let crc = crc16(&bytes);
        bytes.extend(crc.to_le_bytes());
        if let Ok(done) = Home::new().import(&Input::in_memory("x.fit", bytes).unwrap()) {
            prop_assert!(done.report.balances());
        }
    }
}
