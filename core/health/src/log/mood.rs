//! Mood: how pleasant it felt, in which words, about what.

use cuba_vault::rusqlite::named_params;

use crate::HealthError;
use crate::metric::Metric;
use crate::store::Store;

/// An entry of the mood log.
#[derive(Clone, Debug, PartialEq)]
pub struct Mood {
    /// When, milliseconds since 1970 UTC; its key.
    pub start_ms: i64,
    /// Local time minus UTC, minutes.
    pub offset_min: i16,
    /// Of the whole day rather than of the moment.
    pub whole_day: bool,
    /// -1 very unpleasant to 1 very pleasant.
    pub valence: f64,
    /// Words for it: `calm`, `worried`.
    pub labels: Vec<String>,
    /// What it was about: `work`, `family`.
    pub about: Vec<String>,
    /// The user's own words.
    pub note: String,
}

impl Store {
    /// Enters a mood; one at the same moment is replaced.
    pub fn enter_mood(&self, mood: &Mood) -> Result<(), HealthError> {
        if !Metric::Mood.accepts(mood.valence) {
            return Err(HealthError::invalid("a mood lies between -1 and 1"));
        }
        let list = |words: &[String]| serde_json::json!(words).to_string();
        self.vault.write(|tx| {
            tx.execute(
                "INSERT OR REPLACE INTO mood (start_ms, offset_min, whole_day, valence, labels, about, note)
                 VALUES (:start, :offset, :whole, :valence, :labels, :about, :note)",
                named_params! {
                    ":start": mood.start_ms, ":offset": mood.offset_min, ":whole": mood.whole_day,
                    ":valence": mood.valence, ":labels": list(&mood.labels), ":about": list(&mood.about),
                    ":note": mood.note,
                },
            )?;
            Ok(())
        })
    }

    /// Moods that start in `from_ms..to_ms`, oldest first.
    pub fn moods(&self, from_ms: i64, to_ms: i64) -> Result<Vec<Mood>, HealthError> {
        self.vault.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT start_ms, offset_min, whole_day, valence, labels, about, note FROM mood
                 WHERE start_ms >= ?1 AND start_ms < ?2 ORDER BY start_ms",
            )?;
            let rows = statement.query_map((from_ms, to_ms), |r| {
                let (labels, about): (String, String) = (r.get(4)?, r.get(5)?);
                Ok(Mood {
                    start_ms: r.get(0)?,
                    offset_min: r.get(1)?,
                    whole_day: r.get(2)?,
                    valence: r.get(3)?,
                    labels: serde_json::from_str(&labels).unwrap_or_default(),
                    about: serde_json::from_str(&about).unwrap_or_default(),
                    note: r.get(6)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Deletes the mood of a moment for good.
    pub fn delete_mood(&self, start_ms: i64) -> Result<(), HealthError> {
        let found = self.vault.write_erasing(|tx| {
            Ok::<_, HealthError>(tx.execute("DELETE FROM mood WHERE start_ms = ?1", [start_ms])?)
        })?;
        if found == 0 { Err(HealthError::NotFound { what: "mood" }) } else { Ok(()) }
    }
}
