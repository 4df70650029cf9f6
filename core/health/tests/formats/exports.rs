//! Exports of services: Fitbit and Google Takeout, Garmin, Samsung, Withings, Oura; archives laid out as they are.

use cuba_health::import::Input;
use proptest::prelude::*;

use crate::databases::zip;
use crate::{Home, fit, report};

pub(crate) type Files = Vec<(&'static str, Vec<u8>)>;

fn archive(files: &Files) -> Input {
    let members: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (*n, b.as_slice())).collect();
    Input::in_memory("export.zip", zip(&members)).unwrap()
}

pub(crate) fn fitbit() -> Files {
    let f = |name, text: &str| (name, text.as_bytes().to_vec());
    vec![
        f(
            "Takeout/Fitbit/Global Export Data/heart_rate-2026-06-01.json",
            r#"[{"dateTime":"06/01/26 06:00:05","value":{"bpm":61,"confidence":3}},{"dateTime":"06/01/26 06:00:15","value":{"bpm":0,"confidence":0}},{"dateTime":"soon","value":{"bpm":61}}]"#,
        ),
        f(
            "Takeout/Fitbit/Global Export Data/steps-2026-06-01.json",
            r#"[{"dateTime":"06/01/26 06:00:00","value":"12"},{"dateTime":"06/01/26 06:01:00","value":"0"}]"#,
        ),
        f(
            "Takeout/Fitbit/Global Export Data/distance-2026-06-01.json",
            r#"[{"dateTime":"06/01/26 06:00:00","value":"850"}]"#,
        ),
        f(
            "Takeout/Fitbit/Global Export Data/calories-2026-06-01.json",
            r#"[{"dateTime":"06/01/26 06:00:00","value":"1.21"}]"#,
        ),
        f(
            "Takeout/Fitbit/Global Export Data/altitude-2026-06-01.json",
            r#"[{"dateTime":"06/01/26 06:00:00","value":"20"}]"#,
        ),
        f(
            "Takeout/Fitbit/Global Export Data/resting_heart_rate-2026-06-01.json",
            r#"[{"dateTime":"06/01/26 00:00:00","value":{"date":"06/01/26","value":56.3471,"error":6.7}},{"dateTime":"06/02/26 00:00:00","value":{"date":null,"value":0.0,"error":0.0}}]"#,
        ),
        f(
            "Takeout/Fitbit/Global Export Data/weight-2026-05-01.json",
            r#"[{"logId":1,"weight":176.4,"bmi":24.7,"fat":21.5,"date":"06/01/26","time":"07:05:30","source":"Aria"}]"#,
        ),
        f(
            "Takeout/Fitbit/Global Export Data/sleep-2026-05-01.json",
            r#"[{"logId":1,"dateOfSleep":"2026-06-01","startTime":"2026-05-31T23:10:00.000","endTime":"2026-06-01T00:10:00.000","duration":3600000,"type":"stages",
              "levels":{"summary":{},"data":[{"dateTime":"2026-05-31T23:10:00.000","level":"light","seconds":1800},{"dateTime":"2026-05-31T23:40:00.000","level":"deep","seconds":1800}],
              "shortData":[{"dateTime":"2026-05-31T23:20:00.000","level":"wake","seconds":60}]}},
             {"logId":2,"startTime":"2026-06-01T14:00:00.000","endTime":"2026-06-01T14:30:00.000","type":"classic","levels":{"data":[]}}]"#,
        ),
        f(
            "Takeout/Fitbit/Global Export Data/exercise-0.json",
            r#"[{"logId":1,"activityName":"Run","calories":300,"duration":1800000,"activeDuration":1750000,"steps":4000,"averageHeartRate":150,"startTime":"06/01/26 06:00:00","distance":5.01,"distanceUnit":"Kilometer"}]"#,
        ),
        f("Takeout/Fitbit/Global Export Data/badge.json", r#"[{"badge":1},{"badge":2}]"#),
        f(
            "Takeout/Fitbit/Heart Rate Variability/Heart Rate Variability Details - 2026-06-01.csv",
            "timestamp,rmssd,coverage,low_frequency,high_frequency\n2026-06-01T02:00:00,41.25,0.98,1,2\n",
        ),
        f(
            "Takeout/Fitbit/Oxygen Saturation (SpO2)/Minute SpO2 - 2026-06-01.csv",
            "timestamp,value\n2026-06-01T00:10:00Z,96.5\n2026-06-01T00:11:00Z,50.0\n",
        ),
        f(
            "Takeout/Fitbit/Sleep Score/sleep_score.csv",
            "sleep_log_entry_id,timestamp,overall_score,composition_score\n1,2026-06-01T05:10:00Z,83,\n",
        ),
        f(
            "Takeout/Fitbit/Physical Activity_GoogleData/steps_2026-06-02.csv",
            "timestamp,steps,data source\n2026-06-02T06:00:00Z,30,Charge 5\n",
        ),
        f("Takeout/archive_browser.html", "<html></html>"),
    ]
}

pub(crate) fn google_fit() -> Files {
    let f = |name, text: &str| (name, text.as_bytes().to_vec());
    let steps = |id: &str, n: u32| {
        format!(
            r#"{{"Data Source": "{id}","Data Points":[{{"fitValue":[{{"value":{{"intVal":{n}}}}}],"originDataSourceId":"raw:com.google.step_count.delta:com.example.watch:","endTimeNanos":1780293660000000000,"dataTypeName":"com.google.step_count.delta","startTimeNanos":1780293600000000000,"modifiedTimeMillis":1,"rawTimestampNanos":0}}]}}"#
        )
    };
    vec![
        // Names are cut off: only the ids tell which stream is which.
        (
            "Takeout/Fit/All Data/derived_com.google.step_count.delta_com.google.json",
            steps("derived:com.google.step_count.delta:com.google.android.gms:estimated_steps", 412)
                .into_bytes(),
        ),
        (
            "Takeout/Fit/All Data/derived_com.google.step_count.delta_com.google(1).json",
            steps("derived:com.google.step_count.delta:com.google.android.gms:merge_step_deltas", 500)
                .into_bytes(),
        ),
        (
            "Takeout/Fit/All Data/raw_com.google.step_count.delta_com.example.watch_steps.json",
            steps("raw:com.google.step_count.delta:com.example.watch:", 999).into_bytes(),
        ),
        f(
            "Takeout/Fit/All Data/raw_com.google.weight_com.withings.wiscale2_.json",
            r#"{"Data Source":"x","Data Points":[{"fitValue":[{"value":{"fpVal":80.0999984741211}}],"originDataSourceId":"","endTimeNanos":1780293600000000000,"startTimeNanos":1780293600000000000}]}"#,
        ),
        f(
            "Takeout/Fit/All Data/derived_com.google.heart_rate.bpm_com.google.androi.json",
            r#"{"Data Points":[{"fitValue":[{"value":{"fpVal":61}}],"originDataSourceId":"","endTimeNanos":1780293600000000000,"startTimeNanos":1780293600000000000},{"fitValue":[],"endTimeNanos":1780293600000000000},{"fitValue":[{"value":{"fpVal":61}}]}],"Data Source":"x"}"#,
        ),
        f(
            "Takeout/Fit/All Data/raw_com.google.blood_pressure_x.json",
            r#"{"Data Points":[{"fitValue":[{"value":{"fpVal":121}},{"value":{"fpVal":79}}],"originDataSourceId":"","endTimeNanos":1780293600000000000,"startTimeNanos":1780293600000000000}]}"#,
        ),
        f(
            "Takeout/Fit/All Data/derived_com.google.sleep.segment_com.google.and.json",
            r#"{"Data Points":[{"fitValue":[{"value":{"intVal":5}}],"originDataSourceId":"","endTimeNanos":1780293600000000000,"startTimeNanos":1780290000000000000}]}"#,
        ),
        f("Takeout/Fit/All Data/raw_com.google.activity.samples_x.json", r#"{"Data Points":[]}"#),
        f(
            "Takeout/Fit/Sessions/2026-06-01T08_00_00+02_00_RUNNING.json",
            r#"{"fitnessActivity":"running","startTime":"2026-06-01T06:00:00.000Z","endTime":"2026-06-01T06:30:00.000Z","duration":"1800s","segment":[],"aggregate":[{"metricName":"com.google.calories.expended","floatValue":300.5},{"metricName":"com.google.step_count.delta","intValue":4000}]}"#,
        ),
    ]
}

pub(crate) fn garmin() -> Files {
    let f = |name, text: &str| (name, text.as_bytes().to_vec());
    let fits = zip(&[
        ("one@example.com_1.fit", &fit::activity().finish()),
        ("2.txt", b"x"),
        ("3.fit", &fit::activity().finish()[..40]),
    ]);
    vec![
        ("DI_CONNECT/DI-Connect-Uploaded-Files/UploadedFiles_0-_Part1.zip", fits),
        f(
            "DI_CONNECT/DI-Connect-Wellness/2026-05-01_2026-08-09_1234_sleepData.json",
            r#"[{"sleepStartTimestampGMT":"2026-05-31T21:10:00.0","sleepEndTimestampGMT":"2026-06-01T05:00:00.0","calendarDate":"2026-06-01","deepSleepSeconds":3600,"averageRespiration":14.5,"sleepScores":{"overallScore":83}},{"calendarDate":"2026-06-02"}]"#,
        ),
        f(
            "DI_CONNECT/DI-Connect-Aggregator/UDSFile_2026-05-01_2026-08-09.json",
            r#"[{"calendarDate":"2026-06-01","totalSteps":9000,"totalDistanceMeters":6300,"activeKilocalories":400,"bmrKilocalories":1700,"restingHeartRate":54,"allDayStress":{"aggregatorList":[{"type":"TOTAL","averageStressLevel":31}]}},{"calendarDate":{"date":"Jun 2, 2026 12:00:00 AM"},"totalSteps":10}]"#,
        ),
        f(
            "DI_CONNECT/DI-Connect-Fitness/one@example.com_0_summarizedActivities.json",
            r#"[{"summarizedActivitiesExport":[{"activityId":1,"name":"Berlin Running","activityType":"running","beginTimestamp":1780293600000,"duration":4500,"distance":1234.0,"avgHr":122},{"activityId":2,"name":"Swim","activityType":"lap_swimming","beginTimestamp":1780393600000.0,"duration":1800000.0,"elapsedDuration":1900000.0,"distance":100000.0,"avgHr":130.0}]}]"#,
        ),
        f(
            "DI_CONNECT/DI-Connect-Metrics/MetricsMaxMetData_20260501.json",
            r#"[{"vo2MaxValue":45.0,"updateTimestamp":"2026-06-01T06:00:00.0","sport":"RUNNING"}]"#,
        ),
        f("DI_CONNECT/DI-Connect-User/user_profile.json", r#"{"a":1}"#),
    ]
}

pub(crate) fn samsung() -> Files {
    let f = |name, text: &str| (name, text.as_bytes().to_vec());
    vec![
        f(
            "samsung/com.samsung.shealth.tracker.heart_rate.20260601120000.csv",
            "com.samsung.shealth.tracker.heart_rate,6312004,4\nsource,com.samsung.health.heart_rate.create_time,com.samsung.health.heart_rate.start_time,com.samsung.health.heart_rate.end_time,com.samsung.health.heart_rate.heart_rate,com.samsung.health.heart_rate.binning_data,com.samsung.health.heart_rate.time_offset,com.samsung.health.heart_rate.deviceuuid\n\
           x,2026-06-01 06:00:00.000,2026-06-01 06:00:00.000,2026-06-01 07:00:00.000,66.0,aaaa.binning_data.json,UTC+0200,VDl2abcd,\n\
           x,2026-06-01 08:00:00.000,2026-06-01 08:00:00.000,2026-06-01 08:00:00.000,71.0,,UTC+0200,VDl2abcd,\n",
        ),
        f(
            "samsung/jsons/com.samsung.shealth.tracker.heart_rate/a/aaaa.binning_data.json",
            r#"[{"heart_rate":64.0,"heart_rate_max":70.0,"start_time":1780293600000,"end_time":1780293659000},{"heart_rate":68.0,"start_time":1780293660000}]"#,
        ),
        f(
            "samsung/com.samsung.shealth.tracker.pedometer_step_count.20260601120000.csv",
            "com.samsung.shealth.tracker.pedometer_step_count,6312004,5\ncom.samsung.health.step_count.start_time,com.samsung.health.step_count.end_time,com.samsung.health.step_count.count,com.samsung.health.step_count.distance,com.samsung.health.step_count.calorie,com.samsung.health.step_count.time_offset,com.samsung.health.step_count.deviceuuid\n\
           2026-06-01 06:00:00.000,2026-06-01 06:01:00.000,112,80.5,4.2,UTC+0200,phone111,\n",
        ),
        f(
            "samsung/com.samsung.shealth.sleep.20260601120000.csv",
            "com.samsung.shealth.sleep,6312004,1\ncom.samsung.health.sleep.start_time,com.samsung.health.sleep.end_time,com.samsung.health.sleep.time_offset\n2026-05-31 21:00:00.000,2026-06-01 05:00:00.000,UTC+0200,\n",
        ),
        f(
            "samsung/com.samsung.health.sleep_stage.20260601120000.csv",
            "com.samsung.health.sleep_stage,6312004,1\nstart_time,end_time,sleep_id,stage,time_offset,deviceuuid\n2026-05-31 21:00:00.000,2026-05-31 22:00:00.000,a,40002,UTC+0200,VDl2abcd,\n2026-05-31 22:00:00.000,2026-05-31 23:00:00.000,a,40003,UTC+0200,VDl2abcd,\n2026-05-31 23:00:00.000,2026-06-01 00:00:00.000,a,1,UTC+0200,VDl2abcd,\n",
        ),
        f(
            "samsung/com.samsung.health.weight.20260601120000.csv",
            "com.samsung.health.weight,6312004,1\nstart_time,weight,body_fat,height,time_offset\n2026-06-01 05:05:00.000,80.5,21.5,179.0,UTC+0200,\n",
        ),
        f(
            "samsung/com.samsung.shealth.blood_pressure.20260601120000.csv",
            "com.samsung.shealth.blood_pressure,6312004,1\ncom.samsung.health.blood_pressure.start_time,com.samsung.health.blood_pressure.systolic,com.samsung.health.blood_pressure.diastolic,com.samsung.health.blood_pressure.pulse,com.samsung.health.blood_pressure.time_offset\n2026-06-01 05:05:00.000,121.0,79.0,61,UTC-0330,\n",
        ),
        f(
            "samsung/com.samsung.shealth.exercise.20260601120000.csv",
            "com.samsung.shealth.exercise,6312004,1\ntitle,com.samsung.health.exercise.start_time,com.samsung.health.exercise.end_time,com.samsung.health.exercise.exercise_type,com.samsung.health.exercise.distance,com.samsung.health.exercise.calorie,com.samsung.health.exercise.mean_heart_rate,com.samsung.health.exercise.duration,com.samsung.health.exercise.time_offset\nPark,2026-06-01 06:00:00.000,2026-06-01 06:30:00.000,1002,5012.0,340.0,151.0,1790000,UTC+0200,\n",
        ),
        f(
            "samsung/com.samsung.health.device_profile.20260601120000.csv",
            "com.samsung.health.device_profile,1,1\nname,model,deviceuuid,device_group\nGalaxy Watch6,SM-R930,VDl2abcd,360003,\n",
        ),
        f(
            "samsung/com.samsung.shealth.step_daily_trend.20260601120000.csv",
            "com.samsung.shealth.step_daily_trend,1,1\ncount,day_time\n5000,1780272000000,\n",
        ),
        f(
            "samsung/com.samsung.shealth.something_new.20260601120000.csv",
            "com.samsung.shealth.something_new,1,1\nvalue,start_time\n5,2026-06-01 06:00:00.000,\n",
        ),
    ]
}

pub(crate) fn withings() -> Files {
    let f = |name, text: &str| (name, text.as_bytes().to_vec());
    vec![
        f(
            "weight.csv",
            "Date,\"Weight (kg)\",\"Fat mass (kg)\",\"Bone mass (kg)\",\"Muscle mass (kg)\",\"Hydration (kg)\",Comments\n\"2026-06-01 07:05:00\",80.5,17.3,3.1,60.0,44.6,\n\"2026-06-02 07:05:00\",80.1,,,,,\n",
        ),
        f("bp.csv", "Date,\"Heart rate\",Systolic,Diastolic,Comments\n\"2026-06-01 07:06:00\",61,121,79,\n"),
        f(
            "sleep.csv",
            "from,to,\"light (s)\",\"deep (s)\",\"rem (s)\",\"awake (s)\"\n2026-05-31T23:00:00+02:00,2026-06-01T07:00:00+02:00,14400,7200,7200,0\n",
        ),
        f("raw_tracker_hr.csv", "start,duration,value\n2026-06-01T08:00:00+02:00,\"[60,60]\",\"[62,64]\"\n"),
        f(
            "raw_tracker_steps.csv",
            "start,duration,value\n2026-06-01T08:00:00+02:00,[60],[112]\n2026-06-01T08:01:00+02:00,\"[60,60]\",\"[0,9]\"\n2026-06-01T08:03:00+02:00,\"[60,60]\",[1]\n",
        ),
        f(
            "raw_bed_sleep-state.csv",
            "start,duration,value\n2026-05-31T23:00:00+02:00,\"[3600,1800,60,60]\",\"[1,2,0,9]\"\n",
        ),
        f("raw_tracker_unknown-thing.csv", "start,duration,value\n2026-06-01T08:00:00+02:00,[60],[1]\n"),
        f("aggregates_steps.csv", "date,value\n2026-06-01,9000\n"),
        f(
            "activities.csv",
            "from,to,\"from (manual)\",\"to (manual)\",Timezone,\"Activity type\",Data,GPS,Modified\n2026-06-01T08:00:00+02:00,2026-06-01T08:30:00+02:00,,,Europe/Berlin,Running,\"{\"\"calories\"\":300,\"\"hr_average\"\":150,\"\"distance\"\":5012.5}\",,\n",
        ),
    ]
}

pub(crate) fn oura() -> Files {
    let f = |name, text: &str| (name, text.as_bytes().to_vec());
    vec![
        f("oura/heartrate.csv", "timestamp;bpm;source\n2026-06-01T06:00:00.000Z;61;awake\nnever;61;awake\n"),
        f(
            "oura/sleepmodel.csv",
            "id;bedtime_start;bedtime_end;sleep_phase_5_min;day\na;2026-05-31T23:00:00+02:00;2026-05-31T23:30:00+02:00;422113;2026-06-01\n",
        ),
        f("oura/dailyspo2.csv", "id;day;spo2_percentage\na;2026-06-01;\"{\"\"average\"\": 97.1}\"\n"),
        f("oura/dailyactivity.csv", "id;day;steps;active_calories;score\na;2026-06-01;9000;400;80\n"),
        f(
            "oura/api.json",
            r#"{"sleep":[{"bedtime_start":"2026-06-01T23:00:00+02:00","bedtime_end":"2026-06-02T07:00:00+02:00","sleep_phase_5_min":"43","heart_rate":{"interval":300.0,"items":[60.0,null,58.0],"timestamp":"2026-06-01T23:00:00.000+02:00"},"hrv":{"interval":300,"items":[41]},"average_breath":14.25,"lowest_heart_rate":52}],"other":[1]}"#,
        ),
    ]
}

const ALL: [fn() -> Files; 6] = [fitbit, google_fit, garmin, samsung, withings, oura];

#[test]
fn fitbit_takeout() {
    insta::assert_snapshot!(Home::new().import_twice(&archive(&fitbit())));
}

#[test]
fn google_fit_takeout() {
    insta::assert_snapshot!(Home::new().import_twice(&archive(&google_fit())));
}

#[test]
fn garmin_export() {
    insta::assert_snapshot!(Home::new().import_twice(&archive(&garmin())));
}

#[test]
fn samsung_export() {
    insta::assert_snapshot!(Home::new().import_twice(&archive(&samsung())));
}

#[test]
fn withings_export() {
    insta::assert_snapshot!(Home::new().import_twice(&archive(&withings())));
}

#[test]
fn oura_export() {
    insta::assert_snapshot!(Home::new().import_twice(&archive(&oura())));
}

#[test]
fn oura_trends() {
    let text = "date,Sleep Score,Bedtime Start,Bedtime End,Lowest Resting Heart Rate,Average HRV,Temperature Deviation (°C),Respiratory Rate,Steps,Activity Burn\n2026-06-01,83,2026-05-31T23:00:00+02:00,2026-06-01T07:00:00+02:00,52,41,-0.12,14.25,9000,400\n";
    let input = Input::in_memory("oura_2026-06-01_trends.csv", text.as_bytes().to_vec()).unwrap();
    insta::assert_snapshot!(Home::new().import_twice(&input));
}

/// A folder gives what the archive of it gives.
#[test]
fn folders_are_as_good_as_archives() {
    for files in ALL {
        let files = files();
        let home = Home::new();
        let folder = home.dir.path().join("unpacked");
        for (name, bytes) in &files {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let done = home.import(&Input::open(&folder).unwrap()).unwrap();
        assert!(done.report.balances());
        let zipped = Home::new();
        let other = zipped.import(&archive(&files)).unwrap();
        assert_eq!(done.report, other.report, "{}", report(&done));
        assert_eq!(home.dump(), zipped.dump());
    }
}

/// Cancelled at every point and taken up again, an import ends with the same store.
#[test]
fn interrupted_imports_lose_and_double_nothing() {
    use cuba_health::import::{Options, import_input};
    use std::ops::ControlFlow;
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    for files in ALL {
        let input = archive(&files());
        let whole = Home::new();
        whole.import(&input).unwrap();
        let home = Home::new();
        let mut left = 0;
        for _ in 0..40 {
            let mut calls = 0;
            let mut progress = |_| {
                calls += 1;
                if calls > left { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let mut options = Options { zone: &zone, now_ms: 0, progress: &mut progress };
            let done = import_input(&home.store, &input, &mut options).unwrap();
            assert!(done.report.balances());
            left += 1;
            if !done.cancelled {
                break;
            }
        }
        home.import(&input).unwrap();
        assert_eq!(home.dump(), whole.dump());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn broken_members_never_panic(which in 0usize..6, member: prop::sample::Index, at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let mut files = ALL[which]();
        let i = member.index(files.len());
        let bytes = &mut files[i].1;
        let place = at.index(bytes.len());
        bytes[place] = byte;
        bytes.truncate(cut.index(bytes.len()) + 1);
        if let Ok(done) = Home::new().import(&archive(&files)) {
            prop_assert!(done.report.balances());
        }
    }
}
