//! Tables and tracks: CSV of a person's own, openScale, GPX and TCX, written as those programs write them.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use cuba_health::import::{Input, Mapping, Options, import_csv_input};
use proptest::prelude::*;

use crate::{Home, report};

fn import(name: &str, text: &str) -> String {
    Home::new().import_twice(&Input::in_memory(name, text.as_bytes().to_vec()).unwrap())
}

#[test]
fn own_table_with_a_guessed_header() {
    insta::assert_snapshot!(import(
        "my log.csv",
        "\u{feff}Datum;Uhrzeit;Gewicht (kg);Puls;Schritte;Notiz\r\n31.03.2026;07:05;80,5;61;;\"gut; müde\"\r\n\
         01.04.2026;;80,25;;9000;\r\n01.04.2026;25:61;80;;;\r\n;;;;;\r\n02.04.2026;08:00;viel;40;;\r\n"
    ));
}

#[test]
fn own_table_with_a_mapping() {
    let mapping = Mapping::parse(
        "source=Old notebook; time=When; end=Until; weight=W:lb; blood_glucose=Sugar:mg/dL; steps=S; dates=month",
    )
    .unwrap();
    let text = "When,Until,W,Sugar,S\n06/01/2026 08:00,06/01/2026 08:30,176.37,100,412\n2026-06-02T08:00:00-05:00,,,,\n6/3/2026,,170,,5000\n";
    let home = Home::new();
    let zone = jiff::tz::TimeZone::get("America/New_York").unwrap();
    let input = Input::in_memory("x.csv", text.as_bytes().to_vec()).unwrap();
    let mut options = Options { zone: &zone, now_ms: 0, progress: &mut |_| ControlFlow::Continue(()) };
    let done = import_csv_input(&home.store, &input, &mapping, &mut options).unwrap();
    assert!(done.report.balances());
    insta::assert_snapshot!(format!("{}\n{}", report(&done), home.dump()));
    let wrong = Mapping { time: vec!["Nothing".to_owned()], ..mapping };
    assert!(import_csv_input(&home.store, &input, &wrong, &mut options).is_err());
}

#[test]
fn open_scale() {
    insta::assert_snapshot!(import(
        "openScale.csv",
        "bicep,bone,caliper1,caliper2,caliper3,calories,chest,comment,dateTime,fat,hip,lbm,muscle,neck,thigh,visceralFat,waist,water,weight\n\
         0.0,3.1,0.0,0.0,0.0,0.0,0.0,\"after, holiday\",2026-06-01 07:10,21.5,0.0,63.2,41.0,0.0,0.0,7.0,88.0,55.5,80.5\n\
         0.0,0.0,0.0,0.0,0.0,0.0,0.0,,2026-06-02 07:15,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,80.1\n\
         0.0,0.0,0.0,0.0,0.0,0.0,0.0,,someday,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,80.1\n"
    ));
}

pub(crate) fn gpx() -> String {
    let mut text = String::from(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<gpx creator="OpenTracks" version="1.1" xmlns="http://www.topografix.com/GPX/1/1" xmlns:gpxtpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v1">
<metadata><name>Caf&#233;</name><time>2026-06-01T05:00:00Z</time></metadata>
<wpt lat="52.5" lon="13.4"><name>Start</name></wpt>
<trk><name><![CDATA[Run & walk]]></name><type>running</type><trkseg>"#,
    );
    for i in 0..4 {
        write!(
            text,
            r#"<trkpt lat="{:.5}" lon="13.40500"><ele>{}</ele><time>2026-06-01T06:00:0{i}Z</time><extensions><gpxtpx:TrackPointExtension><gpxtpx:hr>{}</gpxtpx:hr><gpxtpx:cad>84</gpxtpx:cad></gpxtpx:TrackPointExtension></extensions></trkpt>"#,
            52.52 + f64::from(i) * 1e-4,
            34 + i,
            130 + i
        )
        .unwrap();
    }
    text.push_str(
        r#"</trkseg><trkseg><trkpt lat="52.6" lon="13.4"><time>later</time></trkpt><trkpt lat="98" lon="13.4"><time>2026-06-01T06:30:00Z</time></trkpt></trkseg></trk>
<rte><rtept lat="1" lon="2"/><rtept lat="1.1" lon="2"/></rte></gpx>"#,
    );
    text
}

#[test]
fn gpx_track() {
    insta::assert_snapshot!(import("run.gpx", &gpx()));
}

pub(crate) fn tcx() -> String {
    r#"<?xml version="1.0" encoding="UTF-8"?>
<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2" xmlns:ns3="http://www.garmin.com/xmlschemas/ActivityExtension/v2">
<Activities><Activity Sport="Biking"><Id>2026-06-01T06:00:00.000Z</Id>
<Lap StartTime="2026-06-01T06:00:00.000Z"><TotalTimeSeconds>600.0</TotalTimeSeconds><DistanceMeters>3500.5</DistanceMeters><Calories>120</Calories>
<AverageHeartRateBpm><Value>121</Value></AverageHeartRateBpm><Track>
<Trackpoint><Time>2026-06-01T06:00:00.000Z</Time><Position><LatitudeDegrees>52.52</LatitudeDegrees><LongitudeDegrees>13.405</LongitudeDegrees></Position>
<AltitudeMeters>35.0</AltitudeMeters><DistanceMeters>0.0</DistanceMeters><HeartRateBpm><Value>118</Value></HeartRateBpm><Cadence>80</Cadence>
<Extensions><ns3:TPX><ns3:Speed>5.5</ns3:Speed><ns3:Watts>180</ns3:Watts></ns3:TPX></Extensions></Trackpoint>
<Trackpoint><Time>2026-06-01T06:10:00.000Z</Time><HeartRateBpm><Value>124</Value></HeartRateBpm></Trackpoint></Track></Lap>
<Lap StartTime="2026-06-01T06:10:00.000Z"><TotalTimeSeconds>60.0</TotalTimeSeconds><DistanceMeters>99.5</DistanceMeters><Calories>3</Calories></Lap>
<Creator><Name>Edge 530</Name></Creator></Activity>
<Activity Sport="Other"><Id>2026-06-02T06:00:00Z</Id><Lap StartTime="2026-06-02T06:00:00Z"><TotalTimeSeconds>1800</TotalTimeSeconds><Calories>90</Calories></Lap></Activity>
</Activities></TrainingCenterDatabase>"#
        .to_owned()
}

#[test]
fn tcx_workouts() {
    insta::assert_snapshot!(import("ride.tcx", &tcx()));
}

#[test]
fn a_packed_or_broken_track_gives_what_it_holds() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packed, gpx().as_bytes()).unwrap();
    let home = Home::new();
    home.import_twice(&Input::in_memory("run.gpx.gz", packed.finish().unwrap()).unwrap());
    let text = gpx();
    let cut = Input::in_memory("run.gpx", text.as_bytes()[..text.len() / 2].to_vec()).unwrap();
    let done = Home::new().import(&cut).unwrap();
    assert!(done.files[0].incomplete.is_some());
    assert!(done.report.stored > 0);
    assert!(done.report.balances());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn broken_texts_never_panic(which in 0usize..3, at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let text = [gpx(), tcx(), "Date,Weight (lb),Steps,End\n2026-06-01 08:00,176,400,2026-06-01 09:00\n".to_owned()][which].clone();
        let mut bytes = text.into_bytes();
        let i = at.index(bytes.len());
        bytes[i] = byte;
        bytes.truncate(cut.index(bytes.len()) + 1);
        if let Ok(done) = Home::new().import(&Input::in_memory("x", bytes).unwrap()) {
            prop_assert!(done.report.balances());
        }
    }
}
