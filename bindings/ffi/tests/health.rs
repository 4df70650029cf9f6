//! The health log through the facade: import, query, merge, backup, keys.

#![cfg(feature = "health")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::float_cmp,
    reason = "a test ends at the first surprise"
)]

mod common;

use std::sync::{Arc, Mutex};

use common::Home;
use cuba_ffi::{
    BackupRequest, BackupSecret, Bucket, ChartRequest, Clock, Config, Cuba, CubaError, HabitRequest, Health,
    KeyStore, MoodView, NotificationRequest, Notifications, Platform, PlatformError, RecordRequest,
    SampleRecord, new_recovery_key,
};

/// 2026-11-02 08:00 UTC.
const MORNING: i64 = 1_793_606_400_000;
const MINUTE: i64 = 60_000;

fn steps(source: &str, kind: &str, start: i64, end: i64, value: f64) -> RecordRequest {
    RecordRequest {
        metric: "steps".into(),
        source_key: source.into(),
        source_name: source.into(),
        source_kind: kind.into(),
        samples: vec![SampleRecord { start_ms: start, end_ms: end, value, offset_minutes: 0 }],
    }
}

fn november(metric: &str) -> ChartRequest {
    ChartRequest {
        metric: metric.into(),
        from_day: "2026-11-01".into(),
        to_day: "2026-11-30".into(),
        bucket: Bucket::Day,
    }
}

/// An hour of heart rate as Apple Health exports it.
fn export_file(home: &Home) -> String {
    let record = |minute: i64| {
        format!(
            "<Record type=\"HKQuantityTypeIdentifierHeartRate\" sourceName=\"Watch\" unit=\"count/min\" \
             startDate=\"2026-11-02 08:{minute:02}:00 +0000\" endDate=\"2026-11-02 08:{minute:02}:00 +0000\" \
             value=\"{}\"/>\n",
            60 + minute % 10
        )
    };
    let records: String = (0..60).map(record).collect();
    let path = home.path("export.xml");
    std::fs::write(
        &path,
        format!("<?xml version=\"1.0\"?>\n<HealthData locale=\"en_GB\">\n{records}</HealthData>\n"),
    )
    .unwrap();
    path
}

#[test]
fn an_import_is_counted_and_charted() {
    let home = Home::new();
    let health = home.open().health();
    let path = export_file(&home);
    let report = health.import_file(path.clone(), None).wait().unwrap();
    assert_eq!(
        (report.read, report.stored, report.duplicates, report.complete),
        (60, 60, 0, true),
        "{report:?}"
    );
    let again = health.import_file(path, None).wait().unwrap();
    assert_eq!((again.stored, again.duplicates), (0, 60));
    let chart = health.chart(november("heart_rate")).unwrap();
    assert_eq!(chart.len(), 1);
    assert_eq!((chart[0].day.as_str(), chart[0].count, chart[0].mean), ("2026-11-02", 60, 64.5));
    assert_eq!(health.present().unwrap()[0].id, "heart_rate");
    assert_eq!(health.sources().unwrap()[0].name, "Watch");
}

#[test]
fn what_cannot_be_imported_says_so_and_leaves_nothing() {
    let home = Home::new();
    let health = home.open().health();
    std::fs::write(home.path("photo.jpg"), [0xff, 0xd8, 0xff, 0xe0, 0, 16]).unwrap();
    let photo = health.import_file(home.path("photo.jpg"), None).wait();
    assert!(matches!(photo, Err(CubaError::BadInput { .. })), "{photo:?}");
    let nothing = health.import_file(home.path("nowhere.zip"), None).wait();
    assert!(matches!(nothing, Err(CubaError::BadInput { .. })), "{nothing:?}");
    assert!(health.present().unwrap().is_empty());
    let unknown = health.chart(november("happiness"));
    assert!(matches!(unknown, Err(CubaError::BadInput { .. })), "{unknown:?}");
    let no_day = ChartRequest { from_day: "yesterday".into(), ..november("steps") };
    assert!(matches!(health.chart(no_day), Err(CubaError::BadInput { .. })));
}

fn two_walks(health: &Health) {
    health.record(steps("phone", "phone", MORNING + 5 * MINUTE, MORNING + 15 * MINUTE, 800.0)).unwrap();
    health.record(steps("watch", "watch", MORNING, MORNING + 10 * MINUTE, 1000.0)).unwrap();
}

#[test]
fn sources_are_merged_with_reasons_in_the_users_order() {
    let home = Home::new();
    let health = home.open().health();
    two_walks(&health);
    assert_eq!(health.chart(november("steps")).unwrap()[0].sum, 1400.0);
    let day = health.merged_day("steps".into(), "2026-11-02".into()).unwrap();
    let reason = &day.reasons[0];
    assert_eq!((reason.winner.as_str(), reason.loser.as_str()), ("watch", "phone"));
    assert_eq!((reason.start_ms, reason.end_ms), (MORNING + 5 * MINUTE, MORNING + 10 * MINUTE));
    health.set_priority(Some("steps".into()), vec!["phone".into()]).unwrap();
    assert_eq!(health.priority("steps".into()).unwrap(), ["phone", "watch"]);
    assert_eq!(health.chart(november("steps")).unwrap()[0].sum, 1300.0);
    assert!(matches!(health.set_priority(None, vec!["toaster".into()]), Err(CubaError::BadInput { .. })));
}

#[test]
fn a_backup_opens_elsewhere_with_its_secret_alone() {
    let home = Home::new();
    let health = home.open().health();
    two_walks(&health);
    let paper = new_recovery_key().unwrap();
    let secrets = [
        BackupSecret::Passphrase { text: "correct horse".into() },
        BackupSecret::RecoveryKey { text: paper.to_lowercase() },
    ];
    for secret in secrets {
        let file = home.path("cuba.backup");
        let request = BackupRequest { file: file.clone(), secret };
        health.backup(request.clone(), None).wait().unwrap();
        let phone = Home::new();
        let theirs = phone.open().health();
        theirs.record(steps("old", "manual", MORNING, MORNING + MINUTE, 7.0)).unwrap();
        let wrong = BackupRequest { file, secret: BackupSecret::Passphrase { text: "wrong pony".into() } };
        let refused = theirs.restore(wrong, None).wait();
        assert!(matches!(refused, Err(CubaError::KeyWrong { .. })), "{refused:?}");
        assert_eq!(theirs.chart(november("steps")).unwrap()[0].sum, 7.0, "an error leaves all as it was");
        theirs.restore(request, None).wait().unwrap();
        assert_eq!(theirs.chart(november("steps")).unwrap()[0].sum, 1400.0);
    }
    let debug = format!("{:?}", BackupSecret::Passphrase { text: "correct horse".into() });
    assert!(!debug.contains("horse"));
    let export = health.export(home.path("all.jsonl"), None).wait().unwrap();
    assert!(std::fs::read_to_string(export).unwrap().starts_with("{\"cuba_health\":1}"));
}

/// Seals by exclusive or with one byte: enough to tell keys apart.
struct Chip {
    byte: u8,
    gone: Mutex<Option<PlatformError>>,
}

impl Chip {
    fn new(byte: u8) -> Arc<Self> {
        Arc::new(Self { byte, gone: Mutex::default() })
    }

    fn check(&self) -> Result<(), PlatformError> {
        self.gone.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

impl KeyStore for Chip {
    fn kind(&self) -> Result<String, PlatformError> {
        Ok("test-chip".into())
    }

    fn wrap(&self, secret: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        self.check()?;
        Ok(secret.iter().map(|b| b ^ self.byte).chain([self.byte]).collect())
    }

    fn unwrap(&self, wrapped: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        self.check()?;
        let (sealed_by, sealed) = wrapped.split_last().ok_or(PlatformError::Wrong)?;
        if *sealed_by == self.byte {
            Ok(sealed.iter().map(|b| b ^ self.byte).collect())
        } else {
            Err(PlatformError::Wrong)
        }
    }
}

fn with_chip(home: &Home, chip: &Arc<Chip>) -> Arc<Cuba> {
    Cuba::open(home.config(), Platform { key_store: Some(chip.clone()), ..Platform::default() }).unwrap()
}

#[test]
fn a_wrong_key_opens_nothing_and_harms_nothing() {
    let home = Home::new();
    let mine = Chip::new(0x5a);
    let cuba = with_chip(&home, &mine);
    two_walks(&cuba.health());
    assert!(cuba.health().protection().unwrap().protection.contains("test-chip"));
    cuba.shut_down();
    let other = with_chip(&home, &Chip::new(0x11)).health().present();
    assert!(matches!(other, Err(CubaError::KeyWrong { .. })), "{other:?}");
    let by_passphrase = Config { passphrase: Some("guess".into()), ..home.config() };
    let guess = Cuba::open(by_passphrase, Platform::default()).unwrap().health().present();
    assert!(matches!(guess, Err(CubaError::KeyWrong { .. })), "{guess:?}");
    *mine.gone.lock().unwrap() = Some(PlatformError::Unavailable { reason: "the screen is locked".into() });
    let locked = with_chip(&home, &mine).health().present();
    assert!(matches!(locked, Err(CubaError::Locked { .. })), "{locked:?}");
    *mine.gone.lock().unwrap() = Some(PlatformError::Missing);
    let gone = with_chip(&home, &mine).health().present();
    assert!(matches!(gone, Err(CubaError::KeyWrong { .. })), "{gone:?}");
    *mine.gone.lock().unwrap() = None;
    assert_eq!(with_chip(&home, &mine).health().chart(november("steps")).unwrap()[0].sum, 1400.0);
}

#[test]
fn a_passphrase_protects_where_there_is_no_key_store() {
    let home = Home::new();
    let config = |passphrase: &str| Config { passphrase: Some(passphrase.into()), ..home.config() };
    assert!(!format!("{:?}", config("correct horse")).contains("horse"));
    let open = |passphrase| Cuba::open(config(passphrase), Platform::default()).unwrap();
    let cuba = open("correct horse");
    two_walks(&cuba.health());
    cuba.shut_down();
    assert!(matches!(open("wrong pony").health().present(), Err(CubaError::KeyWrong { .. })));
    assert_eq!(open("correct horse").health().present().unwrap().len(), 1);
}

#[test]
fn a_damaged_database_is_moved_aside_and_told() {
    let home = Home::new();
    let cuba = home.open();
    two_walks(&cuba.health());
    assert_eq!(cuba.health().protection().unwrap().damaged_moved_to, None);
    cuba.shut_down();
    drop(cuba);
    let database = home.path("home/vault/cuba.db");
    let mut bytes = std::fs::read(&database).unwrap();
    for byte in bytes.iter_mut().skip(64).take(2000) {
        *byte ^= 0xff;
    }
    std::fs::write(&database, bytes).unwrap();
    let aside = home.open().health().protection().unwrap().damaged_moved_to.unwrap();
    assert!(std::path::Path::new(&aside).exists());
}

#[test]
fn moods_are_kept() {
    let home = Home::new();
    let health = home.open().health();
    let mood = MoodView {
        at_ms: MORNING,
        offset_minutes: 60,
        valence: 0.5,
        labels: vec!["calm".into()],
        about: vec!["family".into()],
        note: "breakfast together".into(),
        whole_day: false,
    };
    health.enter_mood(mood.clone()).unwrap();
    assert_eq!(health.moods(MORNING, MORNING + 1).unwrap(), std::slice::from_ref(&mood));
    let error = health.enter_mood(MoodView { valence: 9.0, ..mood }).unwrap_err();
    assert!(!error.to_string().contains('9'), "no value in an error: {error}");
}

/// The platform of the reminders' test: Berlin, in the week when clocks went back.
struct Berlin(Mutex<Vec<NotificationRequest>>);

impl Clock for Berlin {
    fn now_ms(&self) -> Result<i64, PlatformError> {
        Ok(MORNING)
    }

    fn time_zone(&self) -> Result<String, PlatformError> {
        Ok("Europe/Berlin".into())
    }
}

impl Notifications for Berlin {
    fn schedule(&self, notification: NotificationRequest) -> Result<(), PlatformError> {
        self.0.lock().unwrap().push(notification);
        Ok(())
    }

    fn cancel(&self, _id: String) -> Result<(), PlatformError> {
        Ok(())
    }
}

#[test]
fn habits_are_marked_and_reminded_of_in_local_time() {
    let home = Home::new();
    let berlin = Arc::new(Berlin(Mutex::default()));
    let platform =
        Platform { clock: Some(berlin.clone()), notifications: Some(berlin.clone()), ..Platform::default() };
    let health = Cuba::open(home.config(), platform).unwrap().health();
    let habit = HabitRequest {
        key: "read".into(),
        name: "Read".into(),
        times: 1,
        days: 1,
        remind_at: Some("21:30".into()),
        question: "Did you read?".into(),
    };
    health.save_habit(habit).unwrap();
    health.mark_habit("read".into(), "2026-11-02".into(), true).unwrap();
    let view = &health.habits("2026-11-02".into()).unwrap()[0];
    assert!(view.done && view.strength > 0.0 && view.strength < 0.2);
    assert_eq!(health.plan_reminders(24).unwrap(), 1);
    let planned = berlin.0.lock().unwrap();
    // 21:30 in Berlin is 20:30 UTC in winter: 12.5 hours after 08:00.
    assert_eq!((planned[0].at_ms, planned[0].title.as_str()), (MORNING + 750 * MINUTE, "Read"));
    let none = home.open().health();
    drop(planned);
    assert!(matches!(none.plan_reminders(24), Err(CubaError::BadInput { .. })));
}

#[test]
fn after_shut_down_health_says_so() {
    let home = Home::new();
    let cuba = home.open();
    let health = cuba.health();
    two_walks(&health);
    cuba.shut_down();
    assert_eq!(health.present(), Err(CubaError::Closed));
    assert_eq!(health.chart(november("steps")), Err(CubaError::Closed));
    assert_eq!(health.import_file(export_file(&home), None).wait(), Err(CubaError::Closed));
    assert_eq!(health.export(home.path("all.jsonl"), None).wait(), Err(CubaError::Closed));
    assert_eq!(
        home.open().health().chart(november("steps")).unwrap()[0].sum,
        1400.0,
        "the data is still there"
    );
}
