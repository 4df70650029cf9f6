//! Where the parsers hand over what they read: a batch, the zone for files without one, the sources made so far.

use std::collections::BTreeMap;

use super::{Context, Stop};
use crate::HealthError;
use crate::metric::{Metric, SleepStage};
use crate::store::{Batch, NewSource, Sample, SkipReason, SourceId, SourceKind, offset_in};

/// One import's way into the store.
pub(crate) struct Intake<'a, 'b, 'c> {
    pub(crate) batch: &'a mut Batch<'b>,
    pub(crate) context: &'a mut Context<'c>,
    /// Bytes of files done before the one being read.
    pub(crate) done_before: u64,
    sources: BTreeMap<String, SourceId>,
    told: u64,
}

/// Records between two reports of progress.
const PROGRESS_EVERY: u64 = 4096;

impl<'a, 'b, 'c> Intake<'a, 'b, 'c> {
    pub(crate) fn new(batch: &'a mut Batch<'b>, context: &'a mut Context<'c>) -> Self {
        Self { batch, context, done_before: 0, sources: BTreeMap::new(), told: 0 }
    }

    /// Tells how far the file being read is, every few thousand records.
    pub(crate) fn progress(&mut self, done_bytes: u64) -> Result<(), Stop> {
        let read = self.batch.report().read;
        if read.wrapping_sub(self.told) >= PROGRESS_EVERY {
            self.told = read;
            self.context.progress(self.done_before.saturating_add(done_bytes))?;
        }
        Ok(())
    }

    /// The source of a key; asked of the database once.
    pub(crate) fn source(
        &mut self,
        key: &str,
        name: &str,
        kind: SourceKind,
    ) -> Result<SourceId, HealthError> {
        if let Some(id) = self.sources.get(key) {
            return Ok(*id);
        }
        let name: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
        let short: String = key.chars().filter(|c| !c.is_control()).take(160).collect();
        let id = self.batch.source(&NewSource::new(&short, name.trim(), kind))?;
        self.sources.insert(key.to_owned(), id);
        Ok(id)
    }

    /// Offset of the passed-in zone at a moment.
    pub(crate) fn offset(&self, ms: i64) -> i16 {
        offset_in(self.context.zone, ms)
    }

    /// A reading at a moment; without an offset the passed-in zone gives it.
    pub(crate) fn at(
        &mut self,
        metric: Metric,
        source: SourceId,
        ms: i64,
        value: f64,
        offset: Option<i16>,
    ) -> Result<(), HealthError> {
        let offset = offset.unwrap_or_else(|| self.offset(ms));
        self.batch.sample(metric, source, Sample::at(ms, value, offset))
    }

    /// An amount or state over a span.
    pub(crate) fn over(
        &mut self,
        metric: Metric,
        source: SourceId,
        span: (i64, i64),
        value: f64,
        offset: Option<i16>,
    ) -> Result<(), HealthError> {
        let offset = offset.unwrap_or_else(|| self.offset(span.0));
        self.batch.sample(metric, source, Sample::over(span.0, span.1, value, offset))
    }

    /// A stretch of a stage of sleep.
    pub(crate) fn stage(
        &mut self,
        source: SourceId,
        span: (i64, i64),
        stage: SleepStage,
        offset: Option<i16>,
    ) -> Result<(), HealthError> {
        self.over(Metric::SleepStage, source, span, stage.value(), offset)
    }

    /// Counts a record that was read and not stored.
    pub(crate) fn skip(&mut self, reason: SkipReason, kind: &str) {
        self.batch.skip(reason, kind);
    }

    /// Records read so far: tells whether a row gave anything.
    pub(crate) fn read(&self) -> u64 {
        self.batch.report().read
    }
}
