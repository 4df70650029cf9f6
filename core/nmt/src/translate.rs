//! Translating many sentences: windows, batches, threads, and putting the parts together again.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::Error;
use crate::model::Model;
use crate::options::{Cancel, Forced, Options, Source};
use crate::search::{FORCED_BEAM, Found, Job, Phrase, Rules, Wants, search};
use crate::transformer::{MAX_POSITIONS, Workspace};
use crate::translation::{Alignment, Alternative, Translation};
use crate::vocab::{PieceKind, Token};

/// Hypotheses decoded together: as many as the kernels keep in the cache while the weights stream by.
const BATCH_ROWS: usize = 48;
/// Source tokens encoded together: bounds the memory of keys and values (for a base-memory model 12 KB a token).
const BATCH_TOKENS: usize = 1024;

/// How far a call is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Sources translated so far, this one included.
    pub done: usize,
    /// Sources of this call.
    pub total: usize,
    /// Place of the source that has just been translated; they are done in order of length, not of place.
    pub index: usize,
    /// Its translation.
    pub translation: &'a Translation,
}

/// One window of a source.
struct Piece {
    source: usize,
    window: Range<usize>,
    tokens: Vec<Token>,
    job: Job,
}

/// Windows of one source that are still to come, and those that are done.
struct Assembly {
    left: usize,
    parts: Vec<Option<Vec<Found>>>,
}

impl Model {
    /// Translates one sentence with default settings but those given.
    pub fn translate(
        &self,
        source: &Source,
        options: &Options,
        cancel: &Cancel,
    ) -> Result<Translation, Error> {
        let mut all = self.translate_batch(std::slice::from_ref(source), options, cancel, &|_| ())?;
        Ok(all.pop().unwrap_or_default())
    }

    /// Translates many sentences; the result has the order of `sources`.
    ///
    /// Any number of threads may call this on one model at once. A sentence's translation depends on nothing but the
    /// sentence and the options: not on its neighbours, on the number of threads, or on the CPU. `progress` is called
    /// from the working threads as sources are done.
    pub fn translate_batch(
        &self,
        sources: &[Source],
        options: &Options,
        cancel: &Cancel,
        progress: &(dyn Fn(Progress<'_>) + Sync),
    ) -> Result<Vec<Translation>, Error> {
        options.check()?;
        cancel.check()?;
        let mut pieces = Vec::new();
        let mut assemblies = Vec::with_capacity(sources.len());
        for (index, source) in sources.iter().enumerate() {
            let first = pieces.len();
            self.cut(index, source, options, &mut pieces)?;
            let parts = pieces.len() - first;
            assemblies.push(Mutex::new(Assembly { left: parts, parts: (0..parts).map(|_| None).collect() }));
        }
        let places = places(&pieces);
        let batches = batches(&pieces, options.threads);
        let run = Run { model: self, options, cancel, progress, sources, pieces, places, assemblies };
        run.all(&batches)
    }

    /// Whether a forced phrase is sure to stand in a translation as it is spelled. False where the vocabulary cannot write
    /// some character of it, or writes it in another form (`ﬁ` as `fi`).
    ///
    /// ```no_run
    /// # let model = cuba_nmt::Model::open(&cuba_nmt::ModelFiles::shared("model.bin", "vocab.spm"))?;
    /// assert!(model.can_force("rueda"));
    /// # Ok::<(), cuba_nmt::Error>(())
    /// ```
    pub fn can_force(&self, phrase: &str) -> bool {
        Phrase::new(&self.target, phrase).is_some_and(|tokens| tokens.spells(&self.target, phrase))
    }

    /// Cuts one source into pieces; none for text without tokens.
    fn cut(
        &self,
        index: usize,
        source: &Source,
        options: &Options,
        pieces: &mut Vec<Piece>,
    ) -> Result<(), Error> {
        if source.text.trim().is_empty() {
            return Ok(());
        }
        let tokens = self.source.encode(&source.text);
        let most = options.max_source_tokens - 1;
        let windows = crate::window::windows(&source.text, &tokens, most);
        let single = windows.len() == 1;
        let last = windows.len() - 1;
        for (at, window) in windows.into_iter().enumerate() {
            let text = source.text.get(window.clone()).unwrap_or_default();
            let mut inside = if single { tokens.clone() } else { self.source.encode(text) };
            for token in &mut inside {
                if !single {
                    token.range = token.range.start + window.start..token.range.end + window.start;
                }
            }
            if inside.is_empty() {
                continue;
            }
            let rules = self.rules(source, &window, at == 0, at == last)?;
            let job = self.job(text, &inside, rules, options)?;
            pieces.push(Piece { source: index, window, tokens: inside, job });
        }
        Ok(())
    }

    /// The constraints of one window. A phrase without a place in the source belongs to the first window.
    fn rules(&self, source: &Source, window: &Range<usize>, first: bool, last: bool) -> Result<Rules, Error> {
        let belongs = |place: &Option<Range<usize>>| match place {
            Some(place) => window.contains(&place.start) || (last && place.start >= window.end),
            None => first,
        };
        let empty = |option, what: &str| Error::Request { option, why: format!("{what} without text") };
        if source.forced.iter().any(|forced| forced.phrase.trim().is_empty()) {
            return Err(empty("forced", "a phrase"));
        }
        if source.forbidden.iter().any(|phrase| phrase.trim().is_empty()) {
            return Err(empty("forbidden", "a phrase"));
        }
        let phrases = source.forced.iter().filter(|forced| belongs(&forced.source));
        let prefix = if first { self.target.ids(&source.prefix) } else { Vec::new() };
        Ok(Rules {
            prefix,
            forced: phrases.filter_map(|forced| Phrase::new(&self.target, &forced.phrase)).collect(),
            forbidden: source.forbidden.iter().map(|phrase| phrase.trim().to_owned()).collect(),
        })
    }

    fn job(&self, text: &str, tokens: &[Token], rules: Rules, options: &Options) -> Result<Job, Error> {
        let mut source: Vec<u32> = tokens.iter().map(|token| token.id).collect();
        source.push(self.source.eos());
        let bound = rules.total() + rules.prefix.len();
        let free = (options.max_length_factor * source.len() as f32).ceil() as usize + 4;
        let max_len = free.min(options.max_output_tokens) + if bound > 0 { bound + 1 } else { 0 };
        if max_len > MAX_POSITIONS {
            let why = format!("prefix and phrases of {bound} tokens are too long");
            return Err(Error::Request { option: "forced", why });
        }
        let shortlist = self.candidates(text, tokens, &rules, options);
        let beam = if rules.forced.is_empty() { options.beam } else { options.beam.max(FORCED_BEAM) };
        Ok(Job { source, rules, shortlist, beam, max_len })
    }

    /// The shortlist of a sentence, if it is wanted and the sentence is of the kind it was made for.
    fn candidates(&self, text: &str, tokens: &[Token], rules: &Rules, options: &Options) -> Option<Vec<u32>> {
        let list = self.shortlist.as_ref().filter(|_| options.shortlist && rules.is_free())?;
        let ids: Vec<u32> = tokens.iter().map(|token| token.id).chain([self.source.eos()]).collect();
        let known = |token: &Token| self.source.kind(token.id) == PieceKind::Normal;
        let plain = ids.len() > SHORTLIST_LEAST && tokens.iter().all(known) && suits_shortlist(text);
        plain.then(|| {
            let mut candidates = list.candidates(&ids, self.shared, self.target.len());
            if let Err(place) = candidates.binary_search(&self.target.eos()) {
                candidates.insert(place, self.target.eos());
            }
            candidates
        })
    }
}

/// Places in `forced` of the phrases that do not stand in `text` as often as they are listed.
fn unmet(forced: &[Forced], text: &str) -> Vec<usize> {
    let lacks = |(at, phrase): (usize, &str)| {
        let listed = forced.iter().take(at + 1).filter(|f| f.phrase.trim() == phrase).count();
        (text.matches(phrase).count() < listed).then_some(at)
    };
    forced.iter().map(|f| f.phrase.trim()).enumerate().filter_map(lacks).collect()
}

/// Numbers and words of capitals are what a shortlist starves.
fn suits_shortlist(text: &str) -> bool {
    let shouted = |word: &str| word.chars().filter(|c| c.is_uppercase()).count() > 1;
    !text.contains(char::is_numeric) && !text.split_whitespace().any(shouted)
}

/// Sentences of fewer tokens do without the shortlist.
const SHORTLIST_LEAST: usize = 5;

/// For each piece, its place among the pieces of its source.
fn places(pieces: &[Piece]) -> Vec<usize> {
    let mut places = Vec::with_capacity(pieces.len());
    for (at, piece) in pieces.iter().enumerate() {
        let before =
            at.checked_sub(1).and_then(|i| pieces.get(i)).filter(|before| before.source == piece.source);
        places.push(before.and(places.last()).map_or(0, |place| place + 1));
    }
    places
}

/// Pieces of similar length together, longest first: the batch that takes longest does not start last. Few pieces are
/// shared out evenly between the threads.
fn batches(pieces: &[Piece], threads: usize) -> Vec<Vec<usize>> {
    let share = pieces.iter().map(|piece| piece.job.beam).sum::<usize>().div_ceil(threads);
    let most_rows = share.clamp(1, BATCH_ROWS);
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    let len = |&at: &usize| pieces.get(at).map_or(0, |piece| piece.job.source.len());
    order.sort_by_key(|at| std::cmp::Reverse(len(at)));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let (mut rows, mut tokens) = (usize::MAX, 0);
    for at in order {
        let beam = pieces.get(at).map_or(1, |piece| piece.job.beam);
        if rows.saturating_add(beam) > most_rows.max(beam) || tokens + len(&at) > BATCH_TOKENS {
            batches.push(Vec::new());
            (rows, tokens) = (0, 0);
        }
        rows += beam;
        tokens += len(&at);
        if let Some(batch) = batches.last_mut() {
            batch.push(at);
        }
    }
    batches
}

/// One call of [`Model::translate_batch`].
struct Run<'a> {
    model: &'a Model,
    options: &'a Options,
    cancel: &'a Cancel,
    progress: &'a (dyn Fn(Progress<'_>) + Sync),
    sources: &'a [Source],
    pieces: Vec<Piece>,
    places: Vec<usize>,
    assemblies: Vec<Mutex<Assembly>>,
}

impl Run<'_> {
    fn all(&self, batches: &[Vec<usize>]) -> Result<Vec<Translation>, Error> {
        let results: Vec<Mutex<Translation>> = self.sources.iter().map(|_| Mutex::default()).collect();
        let done = AtomicUsize::new(0);
        let store = |index: usize, translation: Translation| {
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            (self.progress)(Progress { done, total: self.sources.len(), index, translation: &translation });
            if let Some(slot) = results.get(index) {
                *slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = translation;
            }
        };
        for (index, source) in self.sources.iter().enumerate() {
            let empty = self.assemblies.get(index).is_none_or(|a| lock(a).left == 0);
            if empty {
                store(index, Translation { text: source.text.trim().to_owned(), ..Translation::default() });
            }
        }
        let next = AtomicUsize::new(0);
        let work = || -> Result<(), Error> {
            let mut ws = Workspace::default();
            while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                for (index, translation) in self.batch(batch, &mut ws)? {
                    store(index, translation);
                }
            }
            Ok(())
        };
        let threads = self.options.threads.min(batches.len());
        if threads <= 1 {
            work()?;
        } else {
            std::thread::scope(|scope| {
                let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
                workers.into_iter().try_for_each(|worker| match worker.join() {
                    Ok(result) => result,
                    Err(panic) => std::panic::resume_unwind(panic),
                })
            })?;
        }
        let take =
            |slot: Mutex<Translation>| slot.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(results.into_iter().map(take).collect())
    }

    /// Translates one batch; returns the sources that are complete with it.
    fn batch(&self, batch: &[usize], ws: &mut Workspace) -> Result<Vec<(usize, Translation)>, Error> {
        let jobs: Vec<Job> =
            batch.iter().filter_map(|&at| self.pieces.get(at)).map(|p| p.job.clone()).collect();
        let wants = Wants {
            log_probs: self.options.log_probs,
            alignment: self.options.alignment,
            length_penalty: self.options.length_penalty,
            n_best: self.options.n_best,
        };
        let found = search(
            &self.model.network,
            self.model.kernels,
            &self.model.target,
            &jobs,
            wants,
            ws,
            self.cancel,
        )?;
        let mut complete = Vec::new();
        for (&at, found) in batch.iter().zip(found) {
            let (Some(piece), Some(&place)) = (self.pieces.get(at), self.places.get(at)) else { continue };
            let Some(assembly) = self.assemblies.get(piece.source) else { continue };
            let mut assembly = lock(assembly);
            if let Some(part) = assembly.parts.get_mut(place) {
                *part = Some(found);
            }
            assembly.left -= 1;
            if assembly.left == 0 {
                let parts: Vec<Vec<Found>> = assembly.parts.drain(..).flatten().collect();
                let first = at - place;
                let pieces = self.pieces.get(first..first + parts.len()).unwrap_or_default();
                complete.push((piece.source, self.join(pieces, &parts)));
            }
        }
        Ok(complete)
    }

    /// Puts the windows of one source together.
    fn join(&self, pieces: &[Piece], parts: &[Vec<Found>]) -> Translation {
        let vocab = &self.model.target;
        let source_len = pieces.iter().map(|piece| piece.tokens.len()).sum();
        let mut all = Translation { windows: pieces.len(), ..Translation::default() };
        let mut alignment = self.options.alignment.then(|| Alignment::new(source_len));
        let text_of = |at: usize| {
            let source = pieces.get(at).and_then(|piece| self.sources.get(piece.source));
            source.map_or("", |source| source.text.as_str())
        };
        for (at, (piece, found)) in pieces.iter().zip(parts).enumerate() {
            let Some(best) = found.first() else { continue };
            let (text, ranges) = vocab.decode_ranges(&best.tokens);
            let spaced =
                text_of(at).get(piece.window.clone()).is_some_and(|t| t.starts_with(char::is_whitespace));
            if at > 0 && spaced && !all.text.is_empty() && !text.is_empty() {
                all.text.push(' ');
            }
            let start = all.text.len();
            all.text.push_str(&text);
            let shift = |range: Range<usize>| start + range.start..start + range.end;
            all.tokens
                .extend(best.tokens.iter().zip(ranges).map(|(&id, range)| Token { id, range: shift(range) }));
            let (words, ends) = best.log_probs.split_at(best.log_probs.len().min(best.tokens.len()));
            all.log_probs.extend(words);
            all.end_log_probs.extend(ends);
            all.reached_limit |= !best.ended;
            if let Some(alignment) = &mut alignment {
                for row in &best.alignment {
                    alignment
                        .push(all.source_tokens.len(), row.get(..piece.tokens.len()).unwrap_or_default());
                }
            }
            all.source_tokens.extend(piece.tokens.iter().cloned());
        }
        if let [found] = parts {
            let alternative = |f: &Found| Alternative { text: vocab.decode(&f.tokens), score: f.score };
            all.alternatives = found.iter().skip(1).map(alternative).collect();
        }
        all.alignment = alignment;
        let source = pieces.first().and_then(|piece| self.sources.get(piece.source));
        let forced = source.map(|source| source.forced.as_slice()).unwrap_or_default();
        all.unmet = unmet(forced, &all.text);
        all
    }
}

fn lock(assembly: &Mutex<Assembly>) -> std::sync::MutexGuard<'_, Assembly> {
    // A poisoned lock means another worker panicked; that panic is passed on when the workers are joined.
    assembly.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
