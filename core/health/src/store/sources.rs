//! Sources and the user's order among them.

use std::str::FromStr;

use cuba_vault::rusqlite::{OptionalExtension as _, Row, Transaction};
use serde::{Deserialize, Serialize};

use super::{SourceId, Store};
use crate::HealthError;
use crate::metric::Metric;

/// What kind of thing measured; decides the order of sources until the user does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum SourceKind {
    Manual,
    Strap,
    Watch,
    Ring,
    Band,
    Scale,
    Phone,
    App,
    Unknown,
}

impl SourceKind {
    const NAMES: [(Self, &'static str); 9] = [
        (Self::Manual, "manual"),
        (Self::Strap, "strap"),
        (Self::Watch, "watch"),
        (Self::Ring, "ring"),
        (Self::Band, "band"),
        (Self::Scale, "scale"),
        (Self::Phone, "phone"),
        (Self::App, "app"),
        (Self::Unknown, "unknown"),
    ];

    /// Name in the database and in exports.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|n| n.0 == self).map_or("unknown", |n| n.1)
    }
}

impl FromStr for SourceKind {
    type Err = HealthError;

    fn from_str(text: &str) -> Result<Self, HealthError> {
        Self::NAMES
            .iter()
            .find(|n| n.1 == text)
            .map(|n| n.0)
            .ok_or(HealthError::NotFound { what: "kind of source" })
    }
}

/// A source to be found or made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSource<'a> {
    /// Stable name: a bundle id, a device's serial number.
    pub key: &'a str,
    /// What the user reads.
    pub name: &'a str,
    /// What kind of thing it is.
    pub kind: SourceKind,
}

impl<'a> NewSource<'a> {
    /// All three together.
    pub fn new(key: &'a str, name: &'a str, kind: SourceKind) -> Self {
        Self { key, name, kind }
    }
}

/// A stored source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its number in this store.
    pub id: SourceId,
    /// Stable name.
    pub key: String,
    /// What the user reads.
    pub name: String,
    /// What kind of thing it is.
    pub kind: SourceKind,
}

fn source_of(row: &Row<'_>) -> Result<Source, cuba_vault::rusqlite::Error> {
    let kind: String = row.get(3)?;
    Ok(Source {
        id: SourceId(row.get(0)?),
        key: row.get(1)?,
        name: row.get(2)?,
        kind: kind.parse().unwrap_or(SourceKind::Unknown),
    })
}

/// The source of this key, made if it is new. A known one takes the new name and kind.
pub(crate) fn obtain(tx: &Transaction<'_>, new: &NewSource<'_>) -> Result<SourceId, HealthError> {
    let known: Option<i64> = tx
        .prepare_cached("SELECT id FROM source WHERE key = ?1")?
        .query_row([new.key], |r| r.get(0))
        .optional()?;
    if let Some(id) = known {
        tx.prepare_cached(
            "UPDATE source SET name = ?2, kind = ?3 WHERE id = ?1 AND (name <> ?2 OR kind <> ?3)",
        )?
        .execute((id, new.name, new.kind.name()))?;
        return source_id(id);
    }
    tx.prepare_cached("INSERT INTO source (key, name, kind) VALUES (?1, ?2, ?3)")?.execute((
        new.key,
        new.name,
        new.kind.name(),
    ))?;
    source_id(tx.last_insert_rowid())
}

fn source_id(id: i64) -> Result<SourceId, HealthError> {
    u16::try_from(id).map(SourceId).map_err(|_| HealthError::invalid("there are too many sources"))
}

pub(crate) fn all(tx: &Transaction<'_>) -> Result<Vec<Source>, HealthError> {
    let mut statement = tx.prepare_cached("SELECT id, key, name, kind FROM source ORDER BY id")?;
    let rows = statement.query_map([], source_of)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Every source from the most to the least preferred for `metric`: the user's order for it, else the order for all,
/// then those unnamed by kind and age.
pub(crate) fn order(tx: &Transaction<'_>, metric: Metric) -> Result<Vec<SourceId>, HealthError> {
    let mut order = Vec::new();
    for code in [metric.code(), 0] {
        let mut statement =
            tx.prepare_cached("SELECT source FROM source_priority WHERE metric = ?1 ORDER BY rank")?;
        let rows = statement.query_map([code], |r| r.get(0).map(SourceId))?;
        order = rows.collect::<Result<_, _>>()?;
        if !order.is_empty() {
            break;
        }
    }
    let mut rest = all(tx)?;
    rest.retain(|s| !order.contains(&s.id));
    rest.sort_by_key(|s| (s.kind, s.id));
    order.extend(rest.iter().map(|s| s.id));
    Ok(order)
}

impl Store {
    /// Every source, oldest first.
    pub fn sources(&self) -> Result<Vec<Source>, HealthError> {
        self.vault.read(all)
    }

    /// The metrics that have samples, with their sources in order of preference.
    pub fn series(&self) -> Result<Vec<(Metric, Vec<SourceId>)>, HealthError> {
        self.vault.read(|tx| {
            let mut statement =
                tx.prepare_cached("SELECT DISTINCT metric, source FROM series ORDER BY metric")?;
            let rows = statement.query_map([], |r| Ok((r.get::<_, u16>(0)?, SourceId(r.get(1)?))))?;
            let mut out: Vec<(Metric, Vec<SourceId>)> = Vec::new();
            for row in rows {
                let (code, source) = row?;
                let Some(metric) = Metric::from_code(code) else { continue };
                match out.last_mut() {
                    Some((m, sources)) if *m == metric => sources.push(source),
                    _ => out.push((metric, vec![source])),
                }
            }
            for (metric, sources) in &mut out {
                let order = order(tx, *metric)?;
                sources.sort_by_key(|s| order.iter().position(|o| o == s));
            }
            Ok(out)
        })
    }

    /// Sources from the most to the least preferred for a metric.
    pub fn priority(&self, metric: Metric) -> Result<Vec<SourceId>, HealthError> {
        self.vault.read(|tx| order(tx, metric))
    }

    /// Sets the order of sources for one metric, or for all (`None`). Sources left out come after, by their kind.
    /// An empty order goes back to the default. Merged days are made again.
    pub fn set_priority(&self, metric: Option<Metric>, sources: &[SourceId]) -> Result<(), HealthError> {
        self.vault.write(|tx| {
            let code = metric.map_or(0, Metric::code);
            tx.execute("DELETE FROM source_priority WHERE metric = ?1", [code])?;
            for (rank, source) in sources.iter().enumerate() {
                tx.execute(
                    "INSERT INTO source_priority (metric, rank, source) VALUES (?1, ?2, ?3)",
                    (code, rank as i64, source.0),
                )
                .map_err(|_| HealthError::NotFound { what: "source" })?;
            }
            tx.execute(
                "INSERT OR IGNORE INTO stale_day (metric, day)
                 SELECT metric, day FROM day_rollup WHERE source = 0 AND (?1 = 0 OR metric = ?1)",
                [code],
            )?;
            Ok::<_, HealthError>(())
        })?;
        self.settle()
    }
}
