//! What real files do beside the plain cases: single files out of a bundle, other versions and languages of an export,
//! marks of encodings, folders of several exports.

use cuba_health::import::{Format, Input};

use crate::databases::{database, zip};
use crate::exports::{Files, fitbit, garmin, google_fit, oura, samsung, withings};
use crate::{Home, fit, report};

fn file(name: &str, text: impl Into<Vec<u8>>) -> Input {
    Input::in_memory(name, text.into()).unwrap()
}

fn archive(files: &[(&str, &str)]) -> Input {
    let members: Vec<(&str, &[u8])> = files.iter().map(|(n, t)| (*n, t.as_bytes())).collect();
    file("export.zip", zip(&members))
}

fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap()
}

/// Files that say nothing by themselves: a stretch of bookkeeping, parts of others, names that could be anybody's.
const SILENT: &[&str] = &[
    "badge.json",
    "archive_browser.html",
    "user_profile.json",
    "aaaa.binning_data.json",
    "aggregates_steps.csv",
    "UploadedFiles_0-_Part1.zip",
];

/// Each file of an export gives alone what it gives in its archive.
#[test]
fn a_file_of_a_bundle_is_recognised_alone() {
    let all: [(fn() -> Files, Format); 6] = [
        (fitbit, Format::Fitbit),
        (google_fit, Format::GoogleTakeout),
        (garmin, Format::Garmin),
        (samsung, Format::Samsung),
        (withings, Format::Withings),
        (oura, Format::Oura),
    ];
    for (files, format) in all {
        for (name, bytes) in files() {
            if SILENT.contains(&base(name)) {
                continue;
            }
            let home = Home::new();
            let alone = home.import(&file(base(name), bytes.clone()));
            let alone = alone.unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(alone.files[0].format, format, "{name}");
            let zipped = Home::new();
            zipped.import(&file("export.zip", zip(&[(name, &bytes)]))).unwrap();
            assert_eq!(home.dump(), zipped.dump(), "{name}");
            // With the mark of its encoding in front it is the same file.
            let marked = Home::new();
            marked.import(&file(base(name), [b"\xEF\xBB\xBF".as_slice(), &bytes].concat())).unwrap();
            assert_eq!(home.dump(), marked.dump(), "{name} with a mark");
        }
    }
}

/// A folder of several exports, some of them archives, gives what each of them gives.
#[test]
fn a_folder_of_several_exports_is_taken_whole() {
    let home = Home::new();
    let folder = home.dir.path().join("exports");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    let single = Home::new();
    for (name, bytes) in samsung() {
        write(name, &bytes);
    }
    let archive = |files: Files| {
        let members: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (*n, b.as_slice())).collect();
        zip(&members)
    };
    write("takeout.zip", &archive(fitbit()));
    write("my oura/App Data/heartrate.csv", &oura()[0].1);
    write("run.fit", &fit::activity().finish());
    write("openScale.db", &database(&open_scale_new()));
    let done = home.import(&Input::open(&folder).unwrap()).unwrap();
    let mut formats: Vec<String> = done.files.iter().map(|f| f.format.to_string()).collect();
    formats.sort();
    assert_eq!(
        formats,
        ["FIT file", "Fitbit export", "Oura export", "Samsung Health export", "openScale export"],
        "{}",
        report(&done)
    );
    for path in ["samsung", "takeout.zip", "my oura", "run.fit", "openScale.db"] {
        single.import(&Input::open(&folder.join(path)).unwrap()).unwrap();
    }
    let lines = |home: &Home| {
        let mut lines: Vec<String> = home.dump().lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&home), lines(&single));
    // The same folder as an archive.
    let members: Vec<(String, Vec<u8>)> = walk(&folder, "");
    let members: Vec<(&str, &[u8])> = members.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
    let zipped = Home::new();
    zipped.import(&file("all.zip", zip(&members))).unwrap();
    assert_eq!(lines(&zipped), lines(&single));
}

fn walk(folder: &std::path::Path, prefix: &str) -> Vec<(String, Vec<u8>)> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            out.extend(walk(&path, &format!("{name}/")));
        } else {
            out.push((name, std::fs::read(path).unwrap()));
        }
    }
    out
}

/// Takeout since Fitbit became part of Google: a folder for each kind, devices named, days written as moments.
#[test]
fn fitbit_takeout_of_2026() {
    let data = "Takeout/Google Health/Physical Activity_GoogleData";
    let nights = "Takeout/Google Health/Health Fitness Data_GoogleData";
    let old = "Takeout/Google Health/Global Export Data";
    let name = |folder: &str, name: &str| format!("{folder}/{name}");
    let files = [
        (
            name(data, "Steps/steps_2026-06-01.csv"),
            "timestamp,steps,data source\r\n2026-06-01T06:00:00.000Z,30,MobileTrack\r\n2026-06-01T06:00:00.000Z,28,Fit Health Connect\r\n",
        ),
        (
            name(data, "Daily Resting Heart Rate/daily_resting_heart_rate.csv"),
            "timestamp,beats per minute,data source\n2026-06-02T00:00:00Z,57.25,Google Health App\n2026-06-03T00:00:00Z,0,Google Health App\n",
        ),
        (
            name(data, "daily_oxygen_saturation.csv"),
            "timestamp,average percentage,lower bound percentage,upper bound percentage,baseline percentage,standard deviation percentage,data source\n2026-06-02T12:00:00Z,94.8,93.2,96.5,0.0,0.0,Radiance\n",
        ),
        (
            name(data, "body_fat_2026-06-01.csv"),
            "timestamp,body fat percentage,data source\n2026-06-01T13:16:20Z,11.6,Renpho Fitbit 3P Web API\n",
        ),
        (
            name(data, "Body Temperature/body_temperature_2026-06-01.csv"),
            "timestamp,temperature celsius,data source\n2026-06-01T04:00:00Z,33.5,Google Fitbit Air\n2026-06-01T04:01:00Z,NaN,Google Fitbit Air\n",
        ),
        (
            name(data, "Active Energy Burned/active_energy_burned_2026-06-01.csv"),
            "timestamp,Kilocalories,data source\n2026-06-01T06:00:00Z,4.5,Google Health App\n",
        ),
        (
            name(data, "Live Pace/live_pace_2026-06-01.csv"),
            "timestamp,steps,distance millimeters,altitude gain millimeters,data source\n2026-06-01T06:00:00Z,99999,1,0,Google Fitbit Air\n",
        ),
        (
            name(nights, "UserSleeps_2026-06-01.csv"),
            "sleep_id,sleep_type,minutes_asleep,start_utc_offset,sleep_start,end_utc_offset,sleep_end,data_source\n111,STAGES,420,+05:30,2026-06-01 17:30:00+0000,+05:30,2026-06-02 01:00:00+0000,PASSIVELY_MEASURED\n222,CLASSIC,270,-04:00,2026-06-03T03:00:00Z,-04:00,2026-06-03T08:00:00Z,MANUAL\n",
        ),
        (
            name(nights, "UserSleepStages_2026-06-01.csv"),
            "sleep_id,sleep_stage_id,sleep_stage_type,start_utc_offset,sleep_stage_start,end_utc_offset,sleep_stage_end\n111,1,LIGHT,+05:30,2026-06-01T17:30:00Z,+05:30,2026-06-01T19:00:00Z\n111,2,DEEP,+05:30,2026-06-01T19:00:00Z,+05:30,2026-06-02T01:00:00Z\n111,3,DREAM,+05:30,2026-06-02T01:00:00Z,+05:30,2026-06-02T01:00:30Z\n",
        ),
        (
            name(nights, "UserExercises_2026-06-01.csv"),
            "exercise_id,exercise_start,exercise_end,utc_offset,activity_name,log_type,tracker_total_calories,tracker_total_steps,tracker_total_distance_mm,tracker_avg_heart_rate\n1,2026-06-01T06:00:20Z,2026-06-01T06:30:00Z,+02:00,Run,MANUAL,300,4000,5010000,150\n2,2026-06-01T16:00:00Z,2026-06-01T16:40:00Z,+02:00,Outdoor Walk,AUTO_DETECTED,150,4100,3000500,110\n",
        ),
        (
            name(old, "exercise-0.json"),
            r#"[{"logId":1,"activityName":"Run","duration":1800000,"startTime":"06/01/26 06:00:00","distance":500,"distanceUnit":"Meter"}]"#,
        ),
        (name(old, "calories-2026-06-01.json"), r#"[{"dateTime":"06/01/26 23:59:00","value":"1.25"}]"#),
        (name(old, "steps-2026-06-01.json"), r#"[{"dateTime":"06/01/26 20:00:00","value":"15"}]"#),
        (
            "Takeout/Google Health/Temperature/Computed Temperature - 2026-06-01.csv".to_owned(),
            "type,sleep_start,sleep_end,temperature_samples,nightly_temperature,baseline_relative_sample_sum\nSKIN,2026-06-01T22:13,2026-06-02T05:41:30,444,34.07,NaN\n",
        ),
        ("Takeout/Google Health/Biometrics/Glucose 202606.csv".to_owned(), "no data"),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(n, t)| (n.as_str(), *t)).collect();
    insta::assert_snapshot!(Home::new().import_twice(&archive(&files)));
}

/// Folders of Takeout are named in the user's language; without the streams there are quarters of an hour.
#[test]
fn google_fit_in_german_and_without_streams() {
    let session = r#"{"fitnessActivity":"walking","startTime":"2026-06-01T06:00:00.000Z","endTime":"2026-06-01T06:30:00.000Z","aggregate":[]}"#;
    let stream = r#"{"Data Source":"raw:com.google.weight:com.example:","Data Points":[{"fitValue":[{"value":{"fpVal":80.5}}],"originDataSourceId":"","endTimeNanos":"1780293600000000000","startTimeNanos":"1780293600000000000"}]}"#;
    let quarters = "Start time,End time,Move Minutes count,Calories (kcal),Distance (m),Heart Points,Average heart rate (bpm),Max heart rate (bpm),Step count\n08:00:00.000+02:00,08:15:00.000+02:00,3,20.5,412.25,,71.5,90,512\n23:45:00.000+02:00,00:00:00.000+02:00,,17.25,,,,,\n12:00:00.000+02:00,12:15:00.000+02:00,,,,,,,\n";
    let german = archive(&[
        ("Takeout/Fit/Alle Sitzungen/2026-06-01T08_00_00+02_00_WALKING.json", session),
        ("Takeout/Fit/Alle Daten/raw_com.google.weight_com.example.json", stream),
    ]);
    let english = archive(&[
        ("Takeout/Fit/Daily activity metrics/2026-06-01.csv", quarters),
        (
            "Takeout/Fit/Daily activity metrics/Daily activity metrics.csv",
            "Date,Step count\n2026-06-01,512\n",
        ),
    ]);
    insta::assert_snapshot!(format!(
        "{}\n{}",
        Home::new().import_twice(&german),
        Home::new().import_twice(&english)
    ));
}

#[test]
fn garmin_files_of_other_kinds() {
    let files = [
        (
            "DI_CONNECT/DI-Connect-Wellness/2026-06-01_2026-09-09_1_healthStatusData.json",
            r#"[{"calendarDate":"2026-06-01","metrics":[{"type":"HRV","value":62.0,"status":"IN_RANGE"},{"type":"HR","value":57.0},{"type":"SPO2","value":0.0},{"type":"RESPIRATION","value":14.25},{"type":"SKIN_TEMP_C","value":-0.4}]},{"metrics":[]}]"#,
        ),
        (
            "DI_CONNECT/DI-Connect-Wellness/2026-06-01_2026-09-09_1_sleepData.json",
            r#"[{"sleepStartTimestampGMT":"2026-05-31T21:10:00.0","sleepEndTimestampGMT":"2026-06-01T05:00:00.0","spo2SleepSummary":{"averageSPO2":95.5},"napList":[{"napStartTimestampGMT":"2026-06-01T12:00:00.0","napEndTimestampGMT":"2026-06-01T12:30:00.0"}]}]"#,
        ),
        (
            "DI_CONNECT/DI-Connect-Aggregator/HydrationLogFile_2026-06-01_2026-09-09.json",
            r#"[{"uuid":{"uuid":"a"},"calendarDate":"2026-06-01","valueInML":500.0,"hydrationSource":"USER","persistedTimestampGMT":"2026-06-01T10:00:00.0"},{"calendarDate":"2026-06-01","hydrationSource":"ACTIVITY","estimatedSweatLossInML":700.0}]"#,
        ),
        (
            "DI_CONNECT/DI-Connect-Aggregator/BloodPressureFile_2026-06-01_2026-09-09.json",
            r#"[{"metaData":{"calendarDate":[2026,6,1,7,5,30,806000000],"sequence":1},"bloodPressure":{"systolic":121,"diastolic":79,"pulse":61}}]"#,
        ),
        (
            "DI_CONNECT/DI-Connect-Aggregator/UDSFile_2026-06-01_2026-09-09.json",
            r#"[{"hydration":{"valueInML":500}},{"calendarDate":"2026-06-02","totalSteps":9000}]"#,
        ),
        (
            "DI_CONNECT/DI-Connect-Wellness/1_userBioMetrics.json",
            r#"[{"metaData":{"calendarDate":"2026-06-01T05:30:00.0"},"weight":{"weight":72300.0,"timestampGMT":"2026-06-01T05:30:00.0"}},{"metaData":{"calendarDate":"2026-06-02T06:10:00.0"},"weight":{"weight":72100.0}},{"metaData":{"calendarDate":"2026-06-01T05:30:00.0"},"height":179.0}]"#,
        ),
    ];
    insta::assert_snapshot!(Home::new().import_twice(&archive(&files)));
}

/// A mark of the encoding, no line about the table, series named by their path, nights without stages, days that have
/// only a sum, another app's rows, routes.
#[test]
fn samsung_of_other_versions() {
    let files = [
        (
            "Samsung Health/com.samsung.shealth.tracker.heart_rate.20260601120000.csv",
            "\u{feff}com.samsung.shealth.tracker.heart_rate,6312004,4\r\ncom.samsung.health.heart_rate.start_time,com.samsung.health.heart_rate.end_time,com.samsung.health.heart_rate.time_offset,com.samsung.health.heart_rate.heart_rate,com.samsung.health.heart_rate.binning_data,com.samsung.health.heart_rate.pkg_name\r\n2026-06-01 06:00:00.000,2026-06-01 07:00:00.000,UTC+0200,66.0,jsons/com.samsung.shealth.tracker.heart_rate/a/a.binning_data.json,com.sec.android.app.shealth,\r\n1780300800000,1780300800000,7200000,71.0,,com.urbandroid.sleep,\r\n",
        ),
        (
            "Samsung Health/jsons/com.samsung.shealth.tracker.heart_rate/a/a.binning_data.json",
            "\u{feff}[{\"heart_rate\":64.0,\"start_time\":1780293600000}]",
        ),
        (
            "Samsung Health/com.samsung.health.weight.20260601120000.csv",
            "start_time,weight,skeletal_muscle_mass,fat_free_mass,vfa_level,time_offset\n2026-06-01 05:05:00.000,80.5,35.5,63.25,7,UTC+0200,\n",
        ),
        (
            "Samsung Health/com.samsung.shealth.sleep.20260601120000.csv",
            "com.samsung.shealth.sleep,1,1\ncom.samsung.health.sleep.start_time,com.samsung.health.sleep.end_time,com.samsung.health.sleep.time_offset,com.samsung.health.sleep.datauuid,sleep_score\n2026-05-31 21:00:00.000,2026-06-01 05:00:00.000,UTC+0200,night-a,81,\n2024-05-31 21:00:00.000,2024-06-01 05:00:00.000,UTC+0200,night-b,,\n",
        ),
        (
            "Samsung Health/com.samsung.health.sleep_stage.20260601120000.csv",
            "com.samsung.health.sleep_stage,1,1\nstart_time,end_time,stage,sleep_id,time_offset\n2026-05-31 21:00:00.000,2026-06-01 05:00:00.000,40002,night-a,UTC+0200,\n",
        ),
        (
            "Samsung Health/com.samsung.shealth.tracker.pedometer_step_count.20260601120000.csv",
            "com.samsung.shealth.tracker.pedometer_step_count,1,1\ncom.samsung.health.step_count.start_time,com.samsung.health.step_count.end_time,com.samsung.health.step_count.count,com.samsung.health.step_count.time_offset\n2026-06-01 22:30:00.000,2026-06-01 22:31:00.000,112,UTC+0200,\n",
        ),
        (
            "Samsung Health/com.samsung.shealth.step_daily_trend.20260601120000.csv",
            "com.samsung.shealth.step_daily_trend,1,1\ncount,distance,calorie,source_type,day_time\n5000,4000,200,-2,1780272000000,\n3000,2000,100,0,1780272000000,\n112,80,4,-2,1780358400000,\n6000,,,-2,2026-06-03 00:00:00.000,\n",
        ),
        (
            "Samsung Health/com.samsung.shealth.exercise.20260601120000.csv",
            "com.samsung.shealth.exercise,1,1\ncom.samsung.health.exercise.start_time,com.samsung.health.exercise.end_time,com.samsung.health.exercise.exercise_type,com.samsung.health.exercise.live_data,com.samsung.health.exercise.location_data,com.samsung.health.exercise.time_offset\n2026-06-01 06:00:00.000,2026-06-01 06:30:00.000,1002,b.com.samsung.health.exercise.live_data.json,b.com.samsung.health.exercise.location_data.json,UTC+0200,\n",
        ),
        (
            "Samsung Health/jsons/com.samsung.shealth.exercise/b/b.com.samsung.health.exercise.live_data.json",
            r#"[{"start_time":1780293601000,"heart_rate":120.0},{"start_time":1780293602000,"speed":2.5}]"#,
        ),
        (
            "Samsung Health/jsons/com.samsung.shealth.exercise/b/b.com.samsung.health.exercise.location_data.json",
            r#"[{"start_time":1780293601000,"latitude":52.5,"longitude":13.4,"altitude":34.5},{"start_time":1780293602000,"latitude":95.0,"longitude":13.4}]"#,
        ),
    ];
    insta::assert_snapshot!(Home::new().import_twice(&archive(&files)));
}

/// Names of columns in German, Spanish and French, and in a language that nobody foresaw; sums of days.
#[test]
fn withings_in_other_languages() {
    let german = archive(&[
        (
            "weight.csv",
            "Datum,\"Gewicht (kg)\",\"Fettmasse (kg)\",\"Knochenmasse (kg)\",\"Muskelmasse (kg)\",\"Hydrierung (kg)\",Kommentare\n\"2026-06-01 07:05:00\",\"80,5\",17.3,3.1,60.0,44.6,\n",
        ),
        (
            "bp.csv",
            "Datum,Herzfrequenz,Systolisch,Diastolisch,Kommentare\n\"2026-06-01 07:06:00\",61,121,79,\n",
        ),
        (
            "sleep.csv",
            "von,bis,\"leicht (s)\",\"tief (s)\",\"rem (s)\",\"wach (s)\",Aufwachen,\"Duration to sleep (s)\",\"Duration to wake up (s)\",\"Snoring (s)\"\n2026-05-31T23:00:00+02:00,2026-06-01T07:00:00+02:00,14400,7200,7200,0,1,300,60,0\n2026-06-02T23:00:00+02:00,2026-06-03T07:00:00+02:00,14400,7200,7200,0,1,300,60,0\n",
        ),
        (
            "raw_tracker_sleep-state.csv",
            "start,duration,value\n2026-05-31T23:00:00+02:00,\"[3600,1800]\",\"[1,2]\"\n",
        ),
        ("aggregates_steps.csv", "Datum,Wert\n2026-06-01,9000\n2026-06-02,0\n"),
    ]);
    let french = file(
        "weight.csv",
        "Date;\"Poids (kg)\";\"Masse grasse (kg)\";\"Masse osseuse (kg)\"\n01/06/2026 07:30;83,9;16,4;3,4\n13/06/2026 07:30;83,5;;\n",
    );
    let pounds =
        file("weight.csv", "Date,\"Weight (lb)\",\"Fat mass (lb)\"\n\"2026-06-01 07:05:00\",176.37,35.27\n");
    let polish = archive(&[
        (
            "weight.csv",
            "Data,\"Waga (kg)\",\"Masa t\u{142}uszczowa (kg)\",\"Masa kostna (kg)\"\n\"2026-06-01 07:05:00\",80.5,17.3,3.1\n",
        ),
        ("raw_tracker_steps.csv", "start,duration,value\n"),
    ]);
    let all: Vec<String> =
        [german, french, pounds, polish].iter().map(|f| Home::new().import_twice(f)).collect();
    insta::assert_snapshot!(all.join("\n---\n"));
}

/// The account's export: semicolons, JSON in fields, nights that were none, names in capitals.
#[test]
fn oura_account_export() {
    let files = [
        (
            "data/App Data/SleepModel.csv",
            "id;average_breath;bedtime_end;bedtime_start;day;heart_rate;hrv;lowest_heart_rate;sleep_phase_5_min;type\na;14.25;2026-06-01T07:00:00.000+02:00;2026-05-31T23:00:00.000+02:00;2026-06-01;{\"interval\": 300.0, \"items\": [60.0, null, 58.0], \"timestamp\": \"2026-05-31T23:00:00.000+02:00\"};{\"interval\": 300, \"items\": [41]};52;4221;long_sleep\nb;;2026-06-01T14:30:00.000+02:00;2026-06-01T14:00:00.000+02:00;2026-06-01;;;;44;rest\n",
        ),
        (
            "data/App Data/dailysleep.csv",
            "contributors;day;id;score;timestamp\n{\"deep_sleep\": 85, \"efficiency\": 90};2026-06-01;x;83;2026-06-01T00:00:00.000Z\n",
        ),
        (
            "data/App Data/temperature.csv",
            "timestamp;skin_temp\n2026-06-01T00:00:10.000Z;34.25\n2026-06-01T00:01:10.000Z;\n",
        ),
        (
            "data/App Data/workout.csv",
            "activity;calories;day;distance;end_datetime;id;intensity;label;source;start_datetime\nrunning;310.5;2026-06-01;5012;2026-06-01T08:30:00-05:00;x;moderate;;confirmed;2026-06-01T08:00:00-05:00\n",
        ),
        ("data/App Data/vo2max.csv", "day;id;timestamp;vo2_max\n2026-06-01;x;2026-06-01T00:00:00.000Z;44\n"),
        ("data/Subscriptions/account.csv", "id;date\nx;2026-06-01\n"),
    ];
    insta::assert_snapshot!(Home::new().import_twice(&archive(&files)));
}

const LOOP_HABITS: &str = "Position,Name,Type,Question,Description,FrequencyNumerator,FrequencyDenominator,Color,Unit,Target Type,Target Value,Archived?\n\
    001,Meditate,YES_NO,Did you meditate?,,1,1,#FF8F00,,,,false\n\
    002,Wake up (early)!,YES_NO,,,2,3,#00897B,,,,false\n\
    003,Water,NUMERICAL,How much?,,1,1,#039BE5,glasses,AT_LEAST,8.0,true\n";

#[test]
fn loop_tables() {
    let files = [
        ("Habits.csv", LOOP_HABITS),
        (
            "001 Meditate/Checkmarks.csv",
            "Date,Value,Notes\n2026-06-05,YES_MANUAL,\n2026-06-04,SKIP,travel\n2026-06-03,NO,\n2026-06-02,UNKNOWN,\nsomeday,NO,\n2026-06-01,maybe,\n",
        ),
        ("001 Meditate/Scores.csv", "Date,Score\n2026-06-05,0.4512\n"),
        (
            "002 Wake up early/Checkmarks.csv",
            "Date,Value,Notes\n2026-06-05,1,\n2026-06-04,2,\"late, but done\"\n2026-06-03,0,\n",
        ),
        ("003 Water/Checkmarks.csv", "Date,Value,Notes\n2026-06-05,8000,\n2026-06-04,6500,\n2026-06-03,0,\n"),
        ("Checkmarks.csv", "Date,Meditate,Wake up (early)!,Water,\n2026-06-05,YES_MANUAL,YES_AUTO,8000,\n"),
        ("Scores.csv", "Date,Meditate,\n2026-06-05,0.45,\n"),
    ];
    let home = Home::new();
    let whole = home.import_twice(&archive(&files));
    // What the app's backup brought before is not there twice.
    let both = Home::new();
    both.import(&file("Loop Habits Backup.db", database(&crate::databases::loop_sql()))).unwrap();
    let habits = both.store.habits().unwrap();
    let table = format!(
        "Position,Name,Type,Question,Description,FrequencyNumerator,FrequencyDenominator,Color,Unit,Target Type,Target Value,Archived?\n001,{},YES_NO,,,1,1,#FF8F00,,,,false\n",
        habits[0].name
    );
    both.import(&archive(&[("Loop/Habits.csv", &table)])).unwrap();
    assert_eq!(both.store.habits().unwrap().len(), habits.len());
    let alone =
        file("Checkmarks.csv", "Date,Meditate,Read,\n2026-06-05,2,1,\n2026-06-04,0,-1,\n2026-06-03,3,2,\n");
    insta::assert_snapshot!(format!("{whole}\n---\n{}", Home::new().import_twice(&alone)));
}

pub(crate) fn open_scale_new() -> String {
    "CREATE TABLE User (id INTEGER PRIMARY KEY, name TEXT NOT NULL, heightCm REAL NOT NULL);
     CREATE TABLE Measurement (id INTEGER PRIMARY KEY, userId INTEGER NOT NULL, timestamp INTEGER NOT NULL);
     CREATE TABLE MeasurementType (id INTEGER PRIMARY KEY, `key` TEXT NOT NULL, name TEXT, unit TEXT NOT NULL);
     CREATE TABLE MeasurementValue (id INTEGER PRIMARY KEY, measurementId INTEGER NOT NULL, typeId INTEGER NOT NULL,
         floatValue REAL, intValue INTEGER, textValue TEXT, dateValue INTEGER);
     INSERT INTO User VALUES (1, 'Ana', 170), (2, 'Luis', 180);
     INSERT INTO MeasurementType VALUES (1, 'WEIGHT', NULL, 'LB'), (2, 'BODY_FAT', NULL, 'PERCENT'), (3, 'MUSCLE', NULL, 'PERCENT'),
         (4, 'WAIST', NULL, 'INCH'), (5, 'HEART_RATE', NULL, 'BPM'), (6, 'COMMENT', NULL, 'NONE'), (7, 'TDEE', NULL, 'KCAL');
     INSERT INTO Measurement VALUES (1, 1, 1780293600000), (2, 1, 1780380000000), (3, 2, 1780293600000);
     INSERT INTO MeasurementValue VALUES (1, 1, 1, 176.37, NULL, NULL, NULL), (2, 1, 2, 21.5, NULL, NULL, NULL),
         (3, 1, 3, 40.0, NULL, NULL, NULL), (4, 1, 4, 34.5, NULL, NULL, NULL), (5, 1, 5, NULL, 61, NULL, NULL),
         (6, 1, 6, NULL, NULL, 'after holiday', NULL), (7, 1, 7, 2400, NULL, NULL, NULL), (8, 2, 1, 0.0, NULL, NULL, NULL),
         (9, 3, 1, 190, NULL, NULL, NULL);"
        .to_owned()
}

pub(crate) fn open_scale_old() -> String {
    "CREATE TABLE scaleUsers (id INTEGER PRIMARY KEY, username TEXT NOT NULL);
     CREATE TABLE scaleMeasurements (id INTEGER PRIMARY KEY, userId INTEGER NOT NULL, enabled INTEGER NOT NULL,
         datetime INTEGER, weight REAL NOT NULL, fat REAL NOT NULL, water REAL NOT NULL, muscle REAL NOT NULL,
         visceralFat REAL NOT NULL, lbm REAL NOT NULL, waist REAL NOT NULL, hip REAL NOT NULL, bone REAL NOT NULL, comment TEXT);
     INSERT INTO scaleMeasurements VALUES
         (1, 1, 1, 1780293600000, 80.5, 21.5, 55.5, 41.0, 7, 63.2, 88, 0, 3.1, 'fine'),
         (2, 1, 1, 1780380000000, 80.1, 0, 0, 0, 0, 0, 0, 0, 0, NULL),
         (3, 1, 0, 1780466400000, 99.9, 0, 0, 0, 0, 0, 0, 0, 0, NULL),
         (4, 1, 1, NULL, 80.1, 0, 0, 0, 0, 0, 0, 0, 0, NULL),
         (5, 2, 1, 1780293600000, 62.5, 0, 0, 0, 0, 0, 0, 0, 0, NULL);"
        .to_owned()
}

#[test]
fn open_scale_databases_and_its_newer_table() {
    let newer = "DATE,TIME,BICEPS,BMI,BMR,BODY_FAT,COMMENT,HEART_RATE,LBM,MUSCLE,VISCERAL_FAT,WATER,WEIGHT\n2026-06-01,07:10:00,,24.7,1700.5,21.5,\"after, holiday\",61,63.2,41.0,7.0,55.5,80.5\n2026-06-02,07:15:00.123,,,,,,,,,,,80.1\n";
    let all = [
        file("openScale.db", database(&open_scale_new())),
        file("openScale.db", database(&open_scale_old())),
        file("openScale_Ana.csv", newer),
    ];
    let all: Vec<String> = all.iter().map(|f| Home::new().import_twice(f)).collect();
    insta::assert_snapshot!(all.join("\n---\n"));
}

/// A database copied out of a running app may lack its newest records: that is said.
#[test]
fn a_log_beside_a_database_is_told() {
    let home = Home::new();
    let path = home.dir.path().join("openScale.db");
    std::fs::write(&path, database(&open_scale_new())).unwrap();
    let alone = home.import(&Input::open(&path).unwrap()).unwrap();
    assert_eq!(alone.files[0].incomplete, None);
    std::fs::write(home.dir.path().join("openScale.db-wal"), [7; 100]).unwrap();
    let done = home.import(&Input::open(&path).unwrap()).unwrap();
    let told = done.files[0].incomplete.clone().unwrap();
    assert!(told.contains("-wal") && told.contains("export"), "{told}");
    assert_eq!(done.report.duplicates, alone.report.stored);
}

/// Spreadsheets in their own ways: UTF-16, Windows-1252, a line that names the separator, times with AM and PM, months
/// in words, no-break spaces, units in the header.
#[test]
fn tables_out_of_spreadsheets() {
    let wide = |text: &str| -> Vec<u8> {
        [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
    };
    let all = [
        file(
            "log.csv",
            "sep=;\r\nDatum;Gewicht (kg);K\u{f6}rperfett (%)\r\n03.06.2026 07:05;80,5;21,5\r\n"
                .chars()
                .map(|c| c as u8)
                .collect::<Vec<u8>>(),
        ),
        file(
            "log.csv",
            wide(
                "Date\tTime\tWeight (lb)\tHeart Rate\r\n6/13/2026\t7:05 PM\t176.4\t61\r\n6/14/2026\t12:10 AM\t\"176.6\"\t62\r\n",
            ),
        ),
        file("log.csv", "Fecha,Hora,Peso,Pulso\n\"3 de junio de 2026\",\"7:05 p.\u{a0}m.\",\"80,5\",61\n"),
        file("log.csv", "date|steps|distance_km\n2026-06-03|9 000|6,5\n2026-06-04|1.234|0\n"),
        file("log.csv", "timestamp,glucose_mgdl,temp\n1780293600,98,98.6\n1780293600123,5.4,37.1\n"),
    ];
    let all: Vec<String> = all.iter().map(|f| Home::new().import_twice(f)).collect();
    insta::assert_snapshot!(all.join("\n---\n"));
}

/// Sound files for the fuzz target `export`, by the place of their name in its list.
pub(crate) const SEEDS: &[(u8, &str)] = &[
    (
        16,
        "sleep_id,sleep_stage_type,start_utc_offset,sleep_stage_start,sleep_stage_end\n1,LIGHT,+05:30,2026-06-01T17:30:00Z,2026-06-01T19:00:00Z\n",
    ),
    (
        17,
        "sleep_id,start_utc_offset,sleep_start,sleep_end\n1,+05:30,2026-06-01 17:30:00+0000,2026-06-02T01:00:00Z\n",
    ),
    (
        18,
        "exercise_start,exercise_end,utc_offset,activity_name,tracker_total_distance_mm\n2026-06-01T06:00:20Z,2026-06-01T06:30:00Z,+02:00,Run,5010000\n",
    ),
    (19, "timestamp,beats per minute,data source\n2026-06-01T06:00:00Z,61.0,Band\n"),
    (20, "Start time,End time,Distance (m),Step count\n08:00:00.000+02:00,08:15:00.000+02:00,412.25,512\n"),
    (21, r#"[{"calendarDate":"2026-06-01","metrics":[{"type":"HRV","value":62.0}]}]"#),
    (22, r#"[{"metaData":{"calendarDate":[2026,6,1,7,5]},"bloodPressure":{"systolic":121,"diastolic":79}}]"#),
    (23, r#"[{"calendarDate":"2026-06-01","valueInML":500.0,"hydrationSource":"USER"}]"#),
    (24, "com.samsung.shealth.step_daily_trend,1,1\ncount,source_type,day_time\n5000,-2,1780272000000,\n"),
    (
        25,
        "com.samsung.shealth.exercise,1,1\nstart_time,end_time,exercise_type,time_offset\n2026-06-01 06:00:00.000,2026-06-01 06:30:00.000,1002,UTC+0200,\n",
    ),
    (26, "Datum,\"Gewicht (kg)\",\"Fettmasse (kg)\"\n\"2026-06-01 07:05:00\",\"80,5\",17.3\n"),
    (
        27,
        "von,bis,\"Duration to sleep (s)\",\"Snoring (s)\"\n2026-05-31T23:00:00+02:00,2026-06-01T07:00:00+02:00,1,2\n",
    ),
    (
        28,
        "activity;calories;day;distance;end_datetime;start_datetime\nrunning;310.5;2026-06-01;5012;2026-06-01T08:30:00-05:00;2026-06-01T08:00:00-05:00\n",
    ),
    (29, LOOP_HABITS),
    (30, "Date,Value,Notes\n2026-06-05,YES_MANUAL,x\n"),
    (31, "Date,Meditate,Read,\n2026-06-05,2,1,\n"),
];
