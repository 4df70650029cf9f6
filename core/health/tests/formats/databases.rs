//! Health Connect, Gadgetbridge and Loop: databases made with the tables and columns that those apps create.

use std::io::Write as _;

use cuba_health::import::Input;
use cuba_vault::rusqlite::Connection;
use proptest::prelude::*;

use crate::{Home, report};

pub(crate) fn database(sql: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    connection.execute_batch(sql).unwrap();
    drop(connection);
    std::fs::read(path).unwrap()
}

pub(crate) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (name, bytes) in members {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

const COMMON: &str =
    "row_id INTEGER PRIMARY KEY AUTOINCREMENT, uuid BLOB UNIQUE NOT NULL, last_modified_time INTEGER,
    client_record_id TEXT, client_record_version TEXT, device_info_id INTEGER, app_info_id INTEGER,
    recording_method INTEGER, dedupe_hash BLOB UNIQUE";
const INSTANT: &str = "time INTEGER, zone_offset INTEGER, local_date INTEGER";
const INTERVAL: &str =
    "start_time INTEGER, start_zone_offset INTEGER, end_time INTEGER, end_zone_offset INTEGER,
    local_date INTEGER";

/// 2026-06-01T06:00:00Z.
const T: i64 = 1_780_293_600_000;

fn health_connect_sql() -> String {
    let mut sql = String::from(
        "PRAGMA user_version = 14;
         CREATE TABLE application_info_table (row_id INTEGER PRIMARY KEY, package_name TEXT UNIQUE, app_name TEXT,
             app_icon BLOB, record_types_used TEXT);
         CREATE TABLE device_info_table (row_id INTEGER PRIMARY KEY, manufacturer TEXT, model TEXT, device_type INTEGER);
         CREATE TABLE preference_table (key TEXT, value TEXT);
         INSERT INTO application_info_table VALUES (1, 'com.sec.android.app.shealth', 'Samsung Health', x'00', ''),
             (2, 'com.example.diet', 'Diet', NULL, '');
         INSERT INTO device_info_table VALUES (1, 'samsung', 'SM-R910', 1), (2, 'samsung', 'SM-S928B', 2);",
    );
    let mut uuid = 0u64;
    let mut record = |table: &str, kind: &str, columns: &str, rows: &[(i64, i64, Option<i64>, &str)]| {
        let mut out = format!("CREATE TABLE {table} ({COMMON}, {kind}, {columns}");
        out.push_str(if kind == INSTANT {
            ", local_date_time INTEGER AS (time + 1000 * zone_offset));"
        } else {
            ", local_date_time_start_time INTEGER AS (start_time + 1000 * start_zone_offset));"
        });
        let names: Vec<&str> =
            columns.split(", ").filter_map(|c| c.split(' ').next()).filter(|c| !c.is_empty()).collect();
        for (from, to, zone, values) in rows {
            uuid += 1;
            let zone = zone.map_or("NULL".to_owned(), |z| z.to_string());
            let (time_names, time_values) = if kind == INSTANT {
                ("time, zone_offset", format!("{from}, {zone}"))
            } else {
                (
                    "start_time, start_zone_offset, end_time, end_zone_offset",
                    format!("{from}, {zone}, {to}, {zone}"),
                )
            };
            let app = if table.starts_with("nutrition") || table.starts_with("hydration") {
                "2, NULL"
            } else {
                "1, 1"
            };
            out.push_str(&format!(
                "INSERT INTO {table} (uuid, app_info_id, device_info_id, {time_names}, {}) VALUES
                 (x'{uuid:032x}', {app}, {time_values}, {values});",
                names.join(", ")
            ));
        }
        sql.push_str(&out);
    };
    let berlin = Some(7200);
    record(
        "steps_record_table",
        INTERVAL,
        "count INTEGER",
        &[
            (T, T + 600_000, berlin, "412"),
            (T + 600_000, T + 1_200_000, None, "88"),
            (T + 5000, T, berlin, "7"),
        ],
    );
    record("distance_record_table", INTERVAL, "distance REAL", &[(T, T + 600_000, berlin, "301.5")]);
    record(
        "active_calories_burned_record_table",
        INTERVAL,
        "energy REAL",
        &[(T, T + 600_000, berlin, "18250.0")],
    );
    record(
        "total_calories_burned_record_table",
        INTERVAL,
        "energy REAL",
        &[(T, T + 600_000, berlin, "25000")],
    );
    record("floors_climbed_record_table", INTERVAL, "floors REAL", &[(T, T + 600_000, berlin, "2")]);
    record("hydration_record_table", INTERVAL, "volume REAL", &[(T, T + 1000, berlin, "0.25")]);
    record(
        "weight_record_table",
        INSTANT,
        "weight REAL",
        &[(T, 0, berlin, "80500.0"), (T + 1, 0, berlin, "'abc'")],
    );
    record("height_record_table", INSTANT, "height REAL", &[(T, 0, berlin, "1.79")]);
    record("body_fat_record_table", INSTANT, "percentage REAL", &[(T, 0, berlin, "21.5")]);
    record("lean_body_mass_record_table", INSTANT, "mass REAL", &[(T, 0, berlin, "62000")]);
    record(
        "basal_metabolic_rate_record_table",
        INSTANT,
        "basal_metabolic_rate REAL",
        &[(T, 0, berlin, "80")],
    );
    record("resting_heart_rate_record_table", INSTANT, "beats_per_minute INTEGER", &[(T, 0, berlin, "54")]);
    record(
        "heart_rate_variability_rmssd_record_table",
        INSTANT,
        "heart_rate_variability_millis REAL",
        &[(T, 0, berlin, "41.25")],
    );
    record("oxygen_saturation_record_table", INSTANT, "percentage REAL", &[(T, 0, berlin, "97.0")]);
    record("respiratory_rate_record_table", INSTANT, "rate REAL", &[(T, 0, berlin, "14.6")]);
    record(
        "blood_pressure_record_table",
        INSTANT,
        "systolic REAL, diastolic REAL",
        &[(T, 0, berlin, "121, 79")],
    );
    record(
        "blood_glucose_record_table",
        INSTANT,
        "level REAL, specimen_source INTEGER",
        &[(T, 0, berlin, "5.4, 2")],
    );
    record("body_temperature_record_table", INSTANT, "temperature REAL", &[(T, 0, berlin, "36.6")]);
    record(
        "vo2_max_record_table",
        INSTANT,
        "vo2_milliliters_per_minute_kilogram REAL",
        &[(T, 0, berlin, "44.2")],
    );
    record(
        "menstruation_flow_record_table",
        INSTANT,
        "flow INTEGER",
        &[(T, 0, berlin, "3"), (T + 86_400_000, 0, berlin, "1")],
    );
    record("menstruation_period_record_table", INTERVAL, "x INTEGER", &[(T, T + 400_000_000, berlin, "0")]);
    record("ovulation_test_record_table", INSTANT, "result INTEGER", &[(T, 0, berlin, "1")]);
    record(
        "mindfulness_session_record_table",
        INTERVAL,
        "mindfulness_session_type INTEGER",
        &[(T, T + 600_000, berlin, "1")],
    );
    record(
        "some_future_record_table",
        INSTANT,
        "value REAL",
        &[(T, 0, berlin, "1"), (T + 1, 0, berlin, "2")],
    );
    record(
        "nutrition_record_table",
        INTERVAL,
        "meal_type INTEGER, meal_name TEXT, energy REAL, protein REAL, total_carbohydrate REAL, sodium REAL, caffeine REAL, vitamin_b12 REAL",
        &[
            (T, T + 1000, berlin, "1, 'Porridge', 350000, 12.5, 55, 0.2, 5e-324, 0.0000024"),
            (T + 5000, T + 6000, berlin, "1, NULL, 0, 0, 0, 0, 5e-324, 0"),
        ],
    );
    record(
        "heart_rate_record_table",
        INTERVAL,
        "x INTEGER",
        &[(T, T + 60_000, berlin, "0"), (T + 60_000, T + 120_000, None, "0")],
    );
    record("SpeedRecordTable", INTERVAL, "x INTEGER", &[(T, T + 60_000, berlin, "0")]);
    record(
        "skin_temperature_record_table",
        INTERVAL,
        "baseline REAL, measurement_location INTEGER",
        &[(T, T + 60_000, berlin, "33.5, 1")],
    );
    // A night over the change to summer time in Berlin: 28 to 29 March 2026, 22:00Z to 05:00Z.
    let night = 1_774_735_200_000;
    record(
        "sleep_session_record_table",
        INTERVAL,
        "title TEXT, notes TEXT",
        &[
            (night, night + 7 * 3_600_000, Some(3600), "'Night', NULL"),
            (T + 30_000_000, T + 32_000_000, berlin, "NULL, NULL"),
        ],
    );
    record(
        "exercise_session_record_table",
        INTERVAL,
        "exercise_type INTEGER, title TEXT, notes TEXT, has_route INTEGER",
        &[
            (T, T + 1_800_000, berlin, "33, 'Park', NULL, 1"),
            (T + 9_000_000, T + 9_100_000, berlin, "99, NULL, NULL, 0"),
        ],
    );
    sql.push_str(&format!(
        "CREATE TABLE heart_rate_record_series_table (parent_key INTEGER NOT NULL, beats_per_minute INTEGER, epoch_millis INTEGER);
         INSERT INTO heart_rate_record_series_table VALUES (1, 61, {a}), (1, 62, {b}), (2, 63, {c}), (2, 900, {c}), (77, 64, {c});
         CREATE TABLE speed_record_table (parent_key INTEGER NOT NULL, speed REAL, epoch_millis INTEGER);
         INSERT INTO speed_record_table VALUES (1, 2.5, {a});
         CREATE TABLE skin_temperature_delta_table (parent_key INTEGER NOT NULL, delta REAL, epoch_millis INTEGER);
         INSERT INTO skin_temperature_delta_table VALUES (1, -0.2, {a});
         CREATE TABLE sleep_stages_table (parent_key INTEGER NOT NULL, stage_start_time INTEGER, stage_end_time INTEGER, stage_type INTEGER);
         INSERT INTO sleep_stages_table VALUES (1, {n0}, {n1}, 4), (1, {n1}, {n2}, 5), (1, {n2}, {n3}, 6), (1, {n3}, {n4}, 7), (1, {n3}, {n4}, 55);
         CREATE TABLE exercise_route_table (parent_key INTEGER NOT NULL, timestamp_millis INTEGER, latitude REAL, longitude REAL, altitude REAL, horizontal_accuracy REAL);
         INSERT INTO exercise_route_table VALUES (1, {a}, 52.5, 13.4, 35.5, 4.0), (1, {b}, 52.6, 13.5, 5e-324, NULL);",
        a = T, b = T + 1000, c = T + 61_000,
        n0 = night, n1 = night + 3_600_000, n2 = night + 5 * 3_600_000, n3 = night + 6 * 3_600_000, n4 = night + 7 * 3_600_000,
    ));
    sql
}

#[test]
fn health_connect_export() {
    let bytes = zip(&[("health_connect_export.db", &database(&health_connect_sql()))]);
    let home = Home::new();
    insta::assert_snapshot!(home.import_twice(&Input::in_memory("Health Connect.zip", bytes).unwrap()));
}

#[test]
fn health_connect_database_on_disk_is_not_touched() {
    let home = Home::new();
    let path = home.dir.path().join("export?#%.db");
    std::fs::write(&path, database(&health_connect_sql())).unwrap();
    let before = std::fs::read(&path).unwrap();
    home.import_twice(&Input::open(&path).unwrap());
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let names: Vec<_> = std::fs::read_dir(home.dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!names.iter().any(|n| n.to_string_lossy().contains("export?#%.db-")), "{names:?}");
}

/// Larger than what is held in memory: unpacked beside the vault, and gone afterwards.
#[test]
fn a_large_database_leaves_nothing_behind() {
    let mut sql = health_connect_sql();
    sql.push_str("CREATE TABLE filler (x BLOB); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 90)
        INSERT INTO filler SELECT randomblob(800000) FROM n;");
    let bytes = database(&sql);
    assert!(bytes.len() > 64 << 20);
    let home = Home::new();
    std::fs::write(home.dir.path().join("cuba.db.import.tmp"), b"left by a crash").unwrap();
    let text =
        home.import_twice(&Input::in_memory("hc.zip", zip(&[("health_connect_export.db", &bytes)])).unwrap());
    assert!(text.contains("steps"));
    assert!(!home.dir.path().join("cuba.db.import.tmp").exists());
}

pub(crate) fn gadgetbridge_sql() -> String {
    let s = T / 1000;
    let mut sql = String::from(
        "CREATE TABLE DEVICE (_id INTEGER PRIMARY KEY, NAME TEXT NOT NULL, MANUFACTURER TEXT NOT NULL, IDENTIFIER TEXT NOT NULL UNIQUE,
             TYPE INTEGER NOT NULL, TYPE_NAME TEXT NOT NULL, MODEL TEXT, ALIAS TEXT);
         INSERT INTO DEVICE VALUES (1, 'Mi Smart Band 6', 'Huami', 'AA:00', 30, 'MIBAND6', NULL, NULL), (2, 'Mi Band 2', 'Huami', 'BB:00', 11, 'MIBAND2', NULL, 'Old band'),
             (3, 'Venu 3', 'Garmin', 'CC:00', 1, 'GARMIN_VENU_3', NULL, NULL), (4, 'Smart Band 8', 'Xiaomi', 'DD:00', 1, 'MIBAND8', NULL, NULL),
             (5, 'HUAWEI Band 9', 'Huawei', 'EE:00', 1, 'HUAWEIBAND9', NULL, NULL), (6, 'R02_12AB', 'Colmi', 'FF:00', 1, 'COLMI_R02', NULL, NULL);
         CREATE TABLE USER (_id INTEGER PRIMARY KEY, NAME TEXT);
         CREATE TABLE BATTERY_LEVEL (TIMESTAMP INTEGER, DEVICE_ID INTEGER, LEVEL INTEGER, BATTERY_INDEX INTEGER);
         CREATE TABLE HUAMI_EXTENDED_ACTIVITY_SAMPLE (TIMESTAMP INTEGER NOT NULL, DEVICE_ID INTEGER NOT NULL, USER_ID INTEGER NOT NULL, RAW_INTENSITY INTEGER NOT NULL,
             STEPS INTEGER NOT NULL, RAW_KIND INTEGER NOT NULL, HEART_RATE INTEGER NOT NULL, UNKNOWN1 INTEGER, SLEEP INTEGER, DEEP_SLEEP INTEGER, REM_SLEEP INTEGER,
             PRIMARY KEY (TIMESTAMP, DEVICE_ID) ON CONFLICT REPLACE) WITHOUT ROWID;
         CREATE TABLE MI_BAND_ACTIVITY_SAMPLE (TIMESTAMP INTEGER NOT NULL, DEVICE_ID INTEGER NOT NULL, USER_ID INTEGER NOT NULL, RAW_INTENSITY INTEGER NOT NULL,
             STEPS INTEGER NOT NULL, RAW_KIND INTEGER NOT NULL, HEART_RATE INTEGER NOT NULL, PRIMARY KEY (TIMESTAMP, DEVICE_ID) ON CONFLICT REPLACE);
         CREATE TABLE GARMIN_ACTIVITY_SAMPLE (TIMESTAMP INTEGER NOT NULL, DEVICE_ID INTEGER NOT NULL, USER_ID INTEGER NOT NULL, RAW_INTENSITY INTEGER NOT NULL,
             STEPS INTEGER NOT NULL, RAW_KIND INTEGER NOT NULL, HEART_RATE INTEGER NOT NULL, DISTANCE_CM INTEGER, ACTIVE_CALORIES INTEGER, PRIMARY KEY (TIMESTAMP, DEVICE_ID));
         CREATE TABLE XIAOMI_ACTIVITY_SAMPLE (TIMESTAMP INTEGER NOT NULL, DEVICE_ID INTEGER NOT NULL, USER_ID INTEGER NOT NULL, RAW_INTENSITY INTEGER NOT NULL,
             STEPS INTEGER NOT NULL, RAW_KIND INTEGER NOT NULL, HEART_RATE INTEGER NOT NULL, STRESS INTEGER, SPO2 INTEGER, PRIMARY KEY (TIMESTAMP, DEVICE_ID));
         CREATE TABLE HUAWEI_ACTIVITY_SAMPLE (TIMESTAMP INTEGER NOT NULL, DEVICE_ID INTEGER NOT NULL, USER_ID INTEGER NOT NULL, OTHER_TIMESTAMP INTEGER NOT NULL, SOURCE INTEGER NOT NULL,
             RAW_KIND INTEGER NOT NULL, RAW_INTENSITY INTEGER NOT NULL, STEPS INTEGER NOT NULL, CALORIES INTEGER NOT NULL, DISTANCE INTEGER NOT NULL, SPO INTEGER NOT NULL, HEART_RATE INTEGER NOT NULL);
         CREATE TABLE XIAOMI_SLEEP_TIME_SAMPLE (TIMESTAMP INTEGER NOT NULL, DEVICE_ID INTEGER NOT NULL, USER_ID INTEGER NOT NULL, WAKEUP_TIME INTEGER, IS_AWAKE INTEGER, PRIMARY KEY (TIMESTAMP, DEVICE_ID));
         CREATE TABLE XIAOMI_SLEEP_STAGE_SAMPLE (TIMESTAMP INTEGER NOT NULL, DEVICE_ID INTEGER NOT NULL, USER_ID INTEGER NOT NULL, STAGE INTEGER, PRIMARY KEY (TIMESTAMP, DEVICE_ID));
         CREATE TABLE XIAOMI_DAILY_SUMMARY_SAMPLE (TIMESTAMP INTEGER NOT NULL, DEVICE_ID INTEGER NOT NULL, USER_ID INTEGER NOT NULL, STEPS INTEGER, HR_RESTING INTEGER, PRIMARY KEY (TIMESTAMP, DEVICE_ID));
         CREATE TABLE COLMI_SLEEP_STAGE_SAMPLE (TIMESTAMP INTEGER NOT NULL, DEVICE_ID INTEGER NOT NULL, USER_ID INTEGER NOT NULL, DURATION INTEGER, STAGE INTEGER, PRIMARY KEY (TIMESTAMP, DEVICE_ID));
         CREATE TABLE HUAWEI_SLEEP_STAGE_SAMPLE (TIMESTAMP INTEGER NOT NULL, DEVICE_ID INTEGER NOT NULL, USER_ID INTEGER NOT NULL, STAGE INTEGER, PRIMARY KEY (TIMESTAMP, DEVICE_ID));
         CREATE TABLE HUAMI_STRESS_SAMPLE (TIMESTAMP INTEGER NOT NULL, DEVICE_ID INTEGER NOT NULL, USER_ID INTEGER NOT NULL, TYPE_NUM INTEGER, STRESS INTEGER, PRIMARY KEY (TIMESTAMP, DEVICE_ID));
         CREATE TABLE HUAMI_SLEEP_RESPIRATORY_RATE_SAMPLE (TIMESTAMP INTEGER NOT NULL, DEVICE_ID INTEGER NOT NULL, USER_ID INTEGER NOT NULL, UTC_OFFSET INTEGER, RATE INTEGER, PRIMARY KEY (TIMESTAMP, DEVICE_ID));
         CREATE TABLE GARMIN_HRV_VALUE_SAMPLE (TIMESTAMP INTEGER NOT NULL, DEVICE_ID INTEGER NOT NULL, USER_ID INTEGER NOT NULL, VALUE INTEGER, PRIMARY KEY (TIMESTAMP, DEVICE_ID));
         CREATE TABLE HUAMI_PAI_SAMPLE (TIMESTAMP INTEGER NOT NULL, DEVICE_ID INTEGER NOT NULL, USER_ID INTEGER NOT NULL, PAI_TODAY REAL, PRIMARY KEY (TIMESTAMP, DEVICE_ID));
         CREATE TABLE BASE_ACTIVITY_SUMMARY (_id INTEGER PRIMARY KEY, NAME TEXT, START_TIME INTEGER NOT NULL, END_TIME INTEGER NOT NULL, ACTIVITY_KIND INTEGER NOT NULL,
             BASE_LONGITUDE INTEGER, BASE_LATITUDE INTEGER, BASE_ALTITUDE INTEGER, GPX_TRACK TEXT, RAW_DETAILS_PATH TEXT, DEVICE_ID INTEGER NOT NULL, USER_ID INTEGER NOT NULL, SUMMARY_DATA TEXT, RAW_SUMMARY_DATA BLOB);",
    );
    // Band 6: a walk, then sleep with deep and REM shares, 255 for no heart rate.
    for i in 0..3 {
        sql.push_str(&format!(
            "INSERT INTO HUAMI_EXTENDED_ACTIVITY_SAMPLE VALUES ({}, 1, 1, 40, {}, 1, {}, 0, 0, 0, 0);",
            s + i * 60,
            30 + i,
            [255, 90, 91][i as usize]
        ));
    }
    for i in 0..6 {
        let (deep, rem) = [(0, 0), (0, 0), (60, 0), (188, 0), (0, 60), (0, 60)][i as usize];
        sql.push_str(&format!("INSERT INTO HUAMI_EXTENDED_ACTIVITY_SAMPLE VALUES ({}, 1, 1, 2, 0, 120, 58, 0, 80, {deep}, {rem});", s + 3600 + i * 60));
    }
    // Band 2: kinds with a high half byte, and "no change".
    for (i, kind) in [(0, 0x79), (1, 0x70), (2, 0x7B), (3, 1)] {
        sql.push_str(&format!(
            "INSERT INTO MI_BAND_ACTIVITY_SAMPLE VALUES ({}, 2, 1, 5, {}, {kind}, 60);",
            s + i * 60,
            if kind == 1 { 22 } else { 0 }
        ));
    }
    // Garmin: running totals, past local midnight in Berlin (22:00Z).
    let midnight = s + 16 * 3600;
    for (t, steps, cm, kcal) in [
        (s, 1000, 70_000, 40),
        (s + 60, 1030, 72_100, 42),
        (s + 120, 1030, 72_100, 42),
        (midnight, 9000, 630_000, 400),
        (midnight + 60, 25, 1_750, 1),
    ] {
        sql.push_str(&format!(
            "INSERT INTO GARMIN_ACTIVITY_SAMPLE VALUES ({t}, 3, 1, 0, {steps}, 1, 70, {cm}, {kcal});"
        ));
    }
    let ms = T;
    sql.push_str(&format!(
        "INSERT INTO GARMIN_HRV_VALUE_SAMPLE VALUES ({ms}, 3, 1, 48);
         INSERT INTO XIAOMI_ACTIVITY_SAMPLE VALUES ({s}, 4, 1, 0, 12, 0, 66, 35, 97), ({s1}, 4, 1, 0, 0, 0, 0, 0, 0);
         INSERT INTO XIAOMI_SLEEP_TIME_SAMPLE VALUES ({ms}, 4, 1, {w1}, 0), ({later}, 4, 1, {w2}, 0);
         INSERT INTO XIAOMI_SLEEP_STAGE_SAMPLE VALUES ({ms}, 4, 1, 3), ({m10}, 4, 1, 2), ({m20}, 4, 1, 4);
         INSERT INTO XIAOMI_DAILY_SUMMARY_SAMPLE VALUES ({ms}, 4, 1, 5000, 53);
         INSERT INTO HUAWEI_ACTIVITY_SAMPLE VALUES ({s}, 5, 1, {s1}, 11, 1, 1, 50, 2, 30, -1, 80), ({s1}, 5, 1, {s}, 11, 1, -1, -1, -1, -1, -1, -1);
         INSERT INTO HUAWEI_SLEEP_STAGE_SAMPLE VALUES ({ms}, 5, 1, 1), ({ms1}, 5, 1, 1), ({ms2}, 5, 1, 2);
         INSERT INTO COLMI_SLEEP_STAGE_SAMPLE VALUES ({ms}, 6, 1, 30, 2), ({m30}, 6, 1, 12, 3);
         INSERT INTO HUAMI_STRESS_SAMPLE VALUES ({ms}, 1, 1, 0, 41);
         INSERT INTO HUAMI_SLEEP_RESPIRATORY_RATE_SAMPLE VALUES ({ms}, 1, 1, 7200, 15);
         INSERT INTO HUAMI_PAI_SAMPLE VALUES ({ms}, 1, 1, 3.5), ({ms}, 99, 1, 3.5);
         INSERT INTO BASE_ACTIVITY_SUMMARY VALUES (1, 'Evening run', {ms}, {w1}, 16, NULL, NULL, NULL, NULL, NULL, 1, 1,
             '{{\"distanceMeters\":{{\"value\":5012.0,\"unit\":\"meters\"}},\"averageHR\":{{\"value\":151,\"unit\":\"bpm\"}},\"caloriesBurnt\":{{\"value\":340,\"unit\":\"calories_unit\"}}}}', NULL),
             (2, NULL, {ms}, {w1}, 77777, NULL, NULL, NULL, NULL, NULL, 1, 1, 'not json', NULL);",
        s1 = s + 60, ms1 = ms + 60_000, ms2 = ms + 120_000, w1 = ms + 1_800_000, m10 = ms + 600_000, m20 = ms + 1_200_000, m30 = ms + 1_800_000,
        later = ms + 40_000_000, w2 = ms + 43_600_000,
    ));
    sql
}

#[test]
fn gadgetbridge_database() {
    let home = Home::new();
    insta::assert_snapshot!(
        home.import_twice(&Input::in_memory("Gadgetbridge", database(&gadgetbridge_sql())).unwrap())
    );
}

#[test]
fn gadgetbridge_zip() {
    let bytes =
        zip(&[("database/Gadgetbridge", &database(&gadgetbridge_sql())), ("preferences/global.json", b"{}")]);
    let done = Home::new().import(&Input::in_memory("gadgetbridge.zip", bytes).unwrap()).unwrap();
    assert_eq!(done.files[0].format.to_string(), "Gadgetbridge database");
}

pub(crate) fn loop_sql() -> String {
    let day = 86_400_000i64;
    let d = T / day * day;
    format!(
        "CREATE TABLE Habits (id INTEGER PRIMARY KEY AUTOINCREMENT, archived INTEGER, color INTEGER, description TEXT, freq_den INTEGER, freq_num INTEGER, highlight INTEGER, name TEXT,
             position INTEGER, reminder_hour INTEGER, reminder_min INTEGER, reminder_days INTEGER NOT NULL DEFAULT 127, type INTEGER NOT NULL DEFAULT 0, target_type INTEGER NOT NULL DEFAULT 0,
             target_value REAL NOT NULL DEFAULT 0, unit TEXT NOT NULL DEFAULT '', question TEXT, uuid TEXT);
         CREATE TABLE Repetitions (id INTEGER PRIMARY KEY AUTOINCREMENT, habit INTEGER NOT NULL REFERENCES Habits(id), timestamp INTEGER NOT NULL, value INTEGER NOT NULL, notes TEXT);
         INSERT INTO Habits (id, archived, freq_den, freq_num, name, position, reminder_hour, reminder_min, reminder_days, type, target_type, target_value, unit, question, uuid, description) VALUES
             (1, 0, 7, 3, 'Run', 0, 7, 30, 84, 0, 0, 0, '', 'Did you run?', 'aaaa', ''),
             (2, 0, 1, 1, 'Pages', 1, NULL, NULL, 127, 1, 0, 20, 'pages', '', 'bbbb', ''),
             (3, 1, 1, 1, 'Coffee', 2, NULL, NULL, 0, 1, 1, 2, 'cups', '', 'cccc', '');
         INSERT INTO Repetitions (habit, timestamp, value, notes) VALUES
             (1, {d}, 2, 'rain'), (1, {d1}, 3, NULL), (1, {d2}, 0, NULL), (1, {d3}, 1, NULL),
             (2, {d}, 12500, NULL), (2, {d1}, 3, NULL), (3, {d}, 3000, NULL), (1, {d4}, -1, NULL), (44, {d}, 2, NULL);",
        d1 = d - day, d2 = d - 2 * day, d3 = d - 3 * day, d4 = d - 4 * day,
    )
}

#[test]
fn loop_backup() {
    let home = Home::new();
    insta::assert_snapshot!(
        home.import_twice(
            &Input::in_memory("Loop Habits Backup 2026-06-01.db", database(&loop_sql())).unwrap()
        )
    );
    // What the user entered since stays.
    let day = cuba_health::store::Day((T / 86_400_000) as i32);
    home.store.enter_habit("loop:aaaa", day, Some(cuba_health::log::habit::Entry::Missed), "").unwrap();
    home.import(&Input::in_memory("b.db", database(&loop_sql())).unwrap()).unwrap();
    let habit = home.store.habit("loop:aaaa").unwrap();
    assert_eq!(home.store.habit_entries(&habit).unwrap()[&day], cuba_health::log::habit::Entry::Missed);
}

/// A database that lies about itself: views and virtual tables under known names, wrong types, huge values.
#[test]
fn hostile_databases_do_no_harm() {
    let sql = format!(
        "{};
         DROP TABLE steps_record_table;
         CREATE VIEW steps_record_table AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT i AS row_id, i AS start_time, i AS end_time, i AS count FROM n;
         UPDATE weight_record_table SET weight = zeroblob(9000000);
         UPDATE heart_rate_record_series_table SET beats_per_minute = 'sixty', epoch_millis = 9223372036854775807;
         UPDATE sleep_session_record_table SET start_time = -9223372036854775807, end_time = 9223372036854775807, start_zone_offset = 9223372036854775807;
         UPDATE distance_record_table SET distance = 1e308, start_time = 'now';",
        health_connect_sql()
    );
    let home = Home::new();
    let done = home
        .import(&Input::in_memory("x.zip", zip(&[("health_connect_export.db", &database(&sql))])).unwrap())
        .unwrap();
    assert!(done.report.balances());
    insta::assert_snapshot!(report(&done));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn damaged_databases_never_panic(which in 0usize..3, holes in proptest::collection::vec((0usize..200_000, any::<u8>()), 1..40)) {
        let sql = [health_connect_sql, gadgetbridge_sql, loop_sql][which]();
        let mut bytes = database(&sql);
        for (at, byte) in holes {
            let at = 100 + at % (bytes.len() - 100);
            bytes[at] = byte;
        }
        if let Ok(done) = Home::new().import(&Input::in_memory("x.db", bytes).unwrap()) {
            prop_assert!(done.report.balances());
        }
    }
}
