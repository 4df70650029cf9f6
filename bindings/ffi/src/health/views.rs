//! What goes into the health log and comes out, as records.

use cuba_health::import::{Imported, ImportedFile};
use cuba_health::log::mood::Mood;
use cuba_health::merge::{Merged, SleepDay};
use cuba_health::metric::{Kind, Metric, SleepStage};
use cuba_health::store::{self, ChartPoint, ImportReport, Source, SourceId};
use cuba_vault::RecoveryKey;
use zeroize::Zeroizing;

use crate::CubaError;

/// What protects the database.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ProtectionView {
    /// In words, for a settings screen.
    pub protection: String,
    /// Where a damaged database was moved when this one was begun. Tell the user and offer the last backup.
    pub damaged_moved_to: Option<String>,
}

/// What a metric's numbers mean.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct MetricView {
    /// Its frozen id: `heart_rate`, `hrv_rmssd`.
    pub id: String,
    /// Unit of every value.
    pub unit: String,
    /// A day's value is the sum (steps), not the mean (heart rate).
    pub adds_up: bool,
}

impl From<Metric> for MetricView {
    fn from(metric: Metric) -> Self {
        let info = metric.info();
        Self { id: info.id.to_owned(), unit: info.unit.to_string(), adds_up: info.kind == Kind::Cumulative }
    }
}

/// A device or an app that measured something.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct SourceView {
    /// Stable name.
    pub key: String,
    /// What the user reads.
    pub name: String,
    /// `watch`, `phone`, `manual` ...
    pub kind: String,
}

impl From<Source> for SourceView {
    fn from(source: Source) -> Self {
        Self { kind: source.kind.name().to_owned(), key: source.key, name: source.name }
    }
}

/// Records of one kind that were not stored.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct SkippedView {
    /// Why: `unknown_type`, `bad_time` ...
    pub reason: String,
    /// The file's own name of the record type.
    pub kind: String,
    /// How many.
    pub count: u64,
}

/// What one file became.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ImportedFileView {
    /// Its name without folders.
    pub name: String,
    /// What it is, in words: `Apple Health export`.
    pub format: String,
    /// Samples and records stored.
    pub stored: u64,
    /// What is wrong with it after what could be read; everything before is stored.
    pub incomplete: Option<String>,
}

impl From<ImportedFile> for ImportedFileView {
    fn from(file: ImportedFile) -> Self {
        Self {
            format: file.format.to_string(),
            stored: file.report.stored,
            name: file.name,
            incomplete: file.incomplete,
        }
    }
}

/// What an import did. Count in = count out: `read` is the sum of all others.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ImportView {
    /// Records read.
    pub read: u64,
    /// Stored.
    pub stored: u64,
    /// Exactly there already.
    pub duplicates: u64,
    /// Part of another record that was stored.
    pub merged: u64,
    /// Not stored, and why.
    pub skipped: Vec<SkippedView>,
    /// Each file that was recognised.
    pub files: Vec<ImportedFileView>,
    /// Files that were left out: `name: why`.
    pub left_out: Vec<String>,
    /// `false` where it was cancelled midway; what was stored stays.
    pub complete: bool,
}

impl From<Imported> for ImportView {
    fn from(done: Imported) -> Self {
        Self {
            skipped: skipped(&done.report),
            read: done.report.read,
            stored: done.report.stored,
            duplicates: done.report.duplicates,
            merged: done.report.merged,
            files: done.files.into_iter().map(ImportedFileView::from).collect(),
            left_out: done.left_out.into_iter().map(|(name, why)| format!("{name}: {why}")).collect(),
            complete: !done.cancelled,
        }
    }
}

fn skipped(report: &ImportReport) -> Vec<SkippedView> {
    let each = |(reason, kinds): (&store::SkipReason, &std::collections::BTreeMap<String, u64>)| {
        let reason = name_of(*reason).to_owned();
        let row = move |(kind, count): (&String, &u64)| SkippedView {
            reason: reason.clone(),
            kind: kind.clone(),
            count: *count,
        };
        kinds.iter().map(row).collect::<Vec<_>>()
    };
    report.skipped.iter().flat_map(each).collect()
}

fn name_of(reason: store::SkipReason) -> &'static str {
    use store::SkipReason as R;
    match reason {
        R::UnknownType => "unknown_type",
        R::UnknownUnit => "unknown_unit",
        R::BadTime => "bad_time",
        R::BadValue => "bad_value",
        R::Implausible => "implausible",
        R::TooLong => "too_long",
        R::NotHealthData => "not_health_data",
        R::Broken => "broken",
        _ => "other",
    }
}

/// A measured value.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct SampleRecord {
    /// Start, milliseconds since 1970 UTC.
    pub start_ms: i64,
    /// End; the start for a reading at a moment.
    pub end_ms: i64,
    /// In the metric's unit.
    pub value: f64,
    /// Local time minus UTC at the sample, minutes.
    pub offset_minutes: i32,
}

/// Samples that the app measured itself.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct RecordRequest {
    /// Id of the metric.
    pub metric: String,
    /// Stable name of the device or app.
    pub source_key: String,
    /// What the user reads.
    pub source_name: String,
    /// `manual`, `strap`, `watch`, `ring`, `band`, `scale`, `phone`, `app`, `unknown`.
    pub source_kind: String,
    /// The samples.
    pub samples: Vec<SampleRecord>,
}

/// How fine a chart is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Bucket {
    /// Local hours.
    Hour,
    /// Local days.
    Day,
    /// Weeks from Monday.
    Week,
    /// Calendar months.
    Month,
}

impl From<Bucket> for store::Bucket {
    fn from(bucket: Bucket) -> Self {
        match bucket {
            Bucket::Hour => Self::Hour,
            Bucket::Day => Self::Day,
            Bucket::Week => Self::Week,
            Bucket::Month => Self::Month,
        }
    }
}

/// A chart to be drawn.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ChartRequest {
    /// Id of the metric.
    pub metric: String,
    /// First local day: `2026-11-01`.
    pub from_day: String,
    /// Last local day.
    pub to_day: String,
    /// How fine.
    pub bucket: Bucket,
}

/// One point of a chart.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct ChartPointView {
    /// Its local day; the first one of a week or month.
    pub day: String,
    /// Its local hour, for hours only.
    pub hour: Option<u8>,
    /// Number of samples.
    pub count: u64,
    /// Sum of values; of sleep stages, seconds.
    pub sum: f64,
    /// Mean of values.
    pub mean: f64,
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
}

impl From<ChartPoint> for ChartPointView {
    fn from(point: ChartPoint) -> Self {
        let rollup = point.rollup;
        Self {
            day: point.day.date().to_string(),
            hour: point.hour,
            count: rollup.count,
            sum: rollup.sum,
            mean: rollup.mean().unwrap_or(0.0),
            min: rollup.min,
            max: rollup.max,
        }
    }
}

/// What counts of one source.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct MergedPartView {
    /// Key of the source.
    pub source: String,
    /// Start of the piece, milliseconds since 1970 UTC.
    pub start_ms: i64,
    /// Its end.
    pub end_ms: i64,
    /// Its value.
    pub value: f64,
}

/// Why something does not count.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct MergeReasonView {
    /// From.
    pub start_ms: i64,
    /// To.
    pub end_ms: i64,
    /// Key of the source that counts.
    pub winner: String,
    /// Key of the source that does not.
    pub loser: String,
}

/// A merged day.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct MergedDayView {
    /// What counts, by start.
    pub parts: Vec<MergedPartView>,
    /// Why the rest does not, by start.
    pub reasons: Vec<MergeReasonView>,
}

impl MergedDayView {
    pub(super) fn new(merged: &Merged, sources: &[Source]) -> Self {
        let key =
            |id: SourceId| sources.iter().find(|s| s.id == id).map(|s| s.key.clone()).unwrap_or_default();
        let parts = merged.parts.iter().map(|part| MergedPartView {
            source: key(part.source),
            start_ms: part.start_ms,
            end_ms: part.end_ms,
            value: part.value,
        });
        let reasons = merged.reasons.iter().map(|reason| MergeReasonView {
            start_ms: reason.start_ms,
            end_ms: reason.end_ms,
            winner: key(reason.winner),
            loser: key(reason.loser),
        });
        Self { parts: parts.collect(), reasons: reasons.collect() }
    }
}

/// A night.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct NightView {
    /// The day of waking up.
    pub day: String,
    /// Start of the main session, milliseconds since 1970 UTC.
    pub start_ms: i64,
    /// Its end.
    pub end_ms: i64,
    /// Time asleep in it, minutes.
    pub asleep_minutes: u32,
    /// Of it light.
    pub light_minutes: u32,
    /// Of it deep.
    pub deep_minutes: u32,
    /// Of it REM.
    pub rem_minutes: u32,
}

impl NightView {
    pub(super) fn of(night: &SleepDay) -> Option<Self> {
        let main = night.sessions.get(night.main)?;
        let minutes = |ms: i64| u32::try_from(ms / 60_000).unwrap_or(0);
        Some(Self {
            day: night.day.date().to_string(),
            start_ms: main.start_ms,
            end_ms: main.end_ms,
            asleep_minutes: minutes(main.asleep_ms()),
            light_minutes: minutes(main.stage_ms(SleepStage::Light)),
            deep_minutes: minutes(main.stage_ms(SleepStage::Deep)),
            rem_minutes: minutes(main.stage_ms(SleepStage::Rem)),
        })
    }
}

/// An entry of the mood log.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct MoodView {
    /// When, milliseconds since 1970 UTC; names the entry.
    pub at_ms: i64,
    /// Local time minus UTC, minutes.
    pub offset_minutes: i32,
    /// -1 very unpleasant to 1 very pleasant.
    pub valence: f64,
    /// Words for it.
    #[uniffi(default = [])]
    pub labels: Vec<String>,
    /// What it was about.
    #[uniffi(default = [])]
    pub about: Vec<String>,
    /// The user's own words.
    #[uniffi(default = "")]
    pub note: String,
    /// Of the whole day rather than of the moment.
    #[uniffi(default = false)]
    pub whole_day: bool,
}

impl MoodView {
    pub(super) fn to_core(&self) -> Result<Mood, CubaError> {
        Ok(Mood {
            start_ms: self.at_ms,
            offset_min: i16::try_from(self.offset_minutes)
                .map_err(|_| CubaError::bad_input("an offset from UTC is out of range"))?,
            whole_day: self.whole_day,
            valence: self.valence,
            labels: self.labels.clone(),
            about: self.about.clone(),
            note: self.note.clone(),
        })
    }
}

impl From<Mood> for MoodView {
    fn from(mood: Mood) -> Self {
        Self {
            at_ms: mood.start_ms,
            offset_minutes: i32::from(mood.offset_min),
            valence: mood.valence,
            labels: mood.labels,
            about: mood.about,
            note: mood.note,
            whole_day: mood.whole_day,
        }
    }
}

/// What opens a backup.
#[derive(Clone, PartialEq, Eq, uniffi::Enum)]
pub enum BackupSecret {
    /// Chosen by the user.
    Passphrase {
        /// The passphrase.
        text: String,
    },
    /// Letters of [`super::new_recovery_key`].
    RecoveryKey {
        /// The letters; case, spaces and dashes do not matter.
        text: String,
    },
}

impl std::fmt::Debug for BackupSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BackupSecret(..)")
    }
}

impl BackupSecret {
    /// Hands the secret on for one operation.
    pub(super) fn with<T, E>(
        &self,
        f: impl FnOnce(&cuba_vault::BackupSecret<'_>) -> Result<T, E>,
    ) -> Result<T, CubaError>
    where
        CubaError: From<E>,
    {
        let (Self::Passphrase { text } | Self::RecoveryKey { text }) = self;
        let text = Zeroizing::new(text.clone());
        Ok(match self {
            Self::Passphrase { .. } => f(&cuba_vault::BackupSecret::Passphrase(&text))?,
            Self::RecoveryKey { .. } => {
                f(&cuba_vault::BackupSecret::RecoveryKey(&RecoveryKey::parse(&text)?))?
            }
        })
    }
}

/// A backup to be written or read.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct BackupRequest {
    /// Path of the file.
    pub file: String,
    /// What opens it.
    pub secret: BackupSecret,
}
