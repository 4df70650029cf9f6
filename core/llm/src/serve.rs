//! The loop of the owner thread: requests join the batch, advance one token a step together, and leave.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};

use llama_cpp_2::DecodeError;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::{LlamaLoraAdapter, LlamaModel};
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;

use crate::LlmError;
use crate::active::Active;
use crate::adapter::AdapterId;
use crate::owner::{Event, Job, Message, Plan};
use crate::request::{Finish, Generation, Overflow, Sampling, Timings};
use crate::slots::Slots;
use crate::template::{Pieces, Rendered};

/// A prompt this much longer in the cache soon is worth waiting a step for.
const WORTH_WAITING: usize = 16;

/// Why the loop ended.
pub(crate) enum Exit {
    /// All handles are gone.
    Closed,
    /// The context must be made anew with one more adapter; `queue` is served after that.
    LoadAdapter { path: PathBuf, reply: Sender<Result<AdapterId, LlmError>>, queue: VecDeque<Waiting> },
}

/// A request with its tokens, not yet in the batch.
pub(crate) struct Waiting {
    job: Box<Job>,
    prompt: Vec<i32>,
    adapters: Vec<(u32, u32)>,
    dropped: usize,
    /// Sequences it takes.
    width: usize,
    /// Cells it may come to hold: prompt and answers.
    total: usize,
}

/// Tokens put into the batch, and the row of the logits after them where they are wanted.
struct Fed {
    active: usize,
    slot: usize,
    tokens: Vec<i32>,
    row: Option<i32>,
}

pub(crate) struct Server<'m, 'p> {
    model: &'m LlamaModel,
    context: LlamaContext<'m>,
    adapters: &'p mut Vec<LlamaLoraAdapter>,
    current: Vec<(u32, u32)>,
    batch: LlamaBatch<'static>,
    slots: Slots,
    queue: VecDeque<Waiting>,
    active: Vec<Active>,
    /// Tokens a step may hold.
    step_tokens: usize,
    /// Tokens one request may hold.
    limit: usize,
}

impl<'m, 'p> Server<'m, 'p> {
    pub(crate) fn new(
        plan: &Plan,
        model: &'m LlamaModel,
        context: LlamaContext<'m>,
        adapters: &'p mut Vec<LlamaLoraAdapter>,
        queue: VecDeque<Waiting>,
    ) -> Self {
        let cells = plan.context_tokens.min(context.n_ctx()) as usize;
        let step_tokens = plan.options.prompt_chunk as usize;
        let can_share = !model.is_recurrent() && !model.is_hybrid();
        Self {
            model,
            context,
            adapters,
            current: Vec::new(),
            batch: LlamaBatch::new(step_tokens, 1),
            slots: Slots::new(plan.max_sequences as usize, cells, can_share),
            queue,
            active: Vec::new(),
            step_tokens,
            limit: cells.min(plan.trained_context as usize),
        }
    }

    /// Serves until the last handle is gone or an adapter is to be loaded.
    pub(crate) fn run(mut self, inbox: &Receiver<Message>) -> Exit {
        let mut adapter: Option<(PathBuf, Sender<Result<AdapterId, LlmError>>)> = None;
        loop {
            let idle = self.active.is_empty() && self.queue.is_empty();
            if self.active.is_empty()
                && let Some((path, reply)) = adapter.take()
            {
                return Exit::LoadAdapter { path, reply, queue: self.queue };
            }
            // While an adapter waits, messages stay in the channel, in order, behind it.
            while adapter.is_none() {
                let message = if idle && self.queue.is_empty() {
                    inbox.recv().map_err(|_| TryRecvError::Disconnected)
                } else {
                    inbox.try_recv()
                };
                match message {
                    Ok(Message::Run(job)) => self.accept(job),
                    Ok(Message::CountTokens { text, reply }) => {
                        let _ = reply.send(self.tokenize(&Rendered::plain(text)).map_or(0, |t| t.len()));
                    }
                    Ok(Message::LoadAdapter { path, reply }) => adapter = Some((path, reply)),
                    Err(TryRecvError::Disconnected) if idle && self.queue.is_empty() => return Exit::Closed,
                    Err(_) => break,
                }
            }
            if adapter.is_none() || !self.active.is_empty() {
                self.step(adapter.is_none());
            }
        }
    }

    /// Tokens of a prompt, the begin token first if the model wants one. Control tokens are only read from the
    /// template's own text.
    fn tokenize(&self, prompt: &Rendered) -> Result<Vec<i32>, LlmError> {
        if prompt.joint.len() > 1 << 28 {
            return Err(LlmError::ContextFull { prompt: prompt.joint.len() / 8, limit: self.limit - 1 });
        }
        let vocab = self.model.vocab();
        let cut = |text: &str, special: bool| vocab.tokenize(text.as_bytes(), false, special);
        let harmless = |pieces: &[(bool, String)]| {
            pieces.iter().filter(|(markup, _)| !markup).all(|(_, text)| cut(text, true) == cut(text, false))
        };
        let mut tokens = match &prompt.pieces {
            Pieces::Plain => cut(&prompt.joint, false),
            Pieces::Mixed(pieces) if harmless(pieces) => cut(&prompt.joint, true),
            Pieces::Mixed(pieces) => pieces.iter().flat_map(|(markup, text)| cut(text, *markup)).collect(),
            Pieces::Unknown => {
                return Err(LlmError::Request(
                    "this model's chat template rewrites the messages; use another model or a plain text prompt".into(),
                ));
            }
        };
        if vocab.should_add_bos() && tokens.first() != Some(&vocab.bos()) && vocab.bos().0 >= 0 {
            tokens.insert(0, vocab.bos());
        }
        Ok(tokens.into_iter().map(|t| t.0).collect())
    }

    fn accept(&mut self, job: Box<Job>) {
        match self.prepare(&job) {
            Ok((prompt, adapters, dropped)) => {
                let answer = job.request.max_tokens.max(1);
                let room = (self.limit.saturating_sub(prompt.len()) / answer).min(self.slots.count()).max(1);
                let width = job.request.sampling.width().min(room);
                let total = answer.saturating_mul(width).saturating_add(prompt.len()).min(self.limit);
                self.queue.push_back(Waiting { job, prompt, adapters, dropped, width, total });
            }
            Err(error) => {
                let _ = job.events.send((job.index, Event::Failed(error)));
            }
        }
    }

    #[allow(clippy::type_complexity)]
    fn prepare(&self, job: &Job) -> Result<(Vec<i32>, Vec<(u32, u32)>, usize), LlmError> {
        let mut prompt = self.tokenize(&job.prompt)?;
        if prompt.is_empty() {
            return Err(LlmError::Request("the prompt is empty and this model has no begin token".into()));
        }
        let mut dropped = 0;
        if prompt.len() >= self.limit {
            let Overflow::DropMiddle { keep_first } = job.request.overflow else {
                return Err(LlmError::ContextFull { prompt: prompt.len(), limit: self.limit - 1 });
            };
            let room = self.limit - job.request.max_tokens.clamp(1, (self.limit / 4).max(1));
            let first = keep_first.min(room.saturating_sub(1));
            dropped = prompt.len() - room;
            prompt.drain(first..first + dropped);
        }
        if job.request.grammar.is_some() && matches!(job.request.sampling, Sampling::Beam { .. }) {
            return Err(LlmError::Request(
                "a beam follows no grammar: choose tokens greedily or at random with one".into(),
            ));
        }
        let mut adapters: Vec<(u32, u32)> = job
            .request
            .adapters
            .iter()
            .filter(|a| a.scale != 0.0)
            .map(|a| (a.id.0, a.scale.to_bits()))
            .collect();
        adapters.sort_unstable();
        if adapters.iter().any(|a| a.0 as usize >= self.adapters.len() || !f32::from_bits(a.1).is_finite()) {
            return Err(LlmError::Request("an adapter of the request is not loaded in this model".into()));
        }
        if adapters.len() > 1 {
            return Err(LlmError::Request(
                "one adapter a request: llama-cpp-2 sets adapters one at a time; merge them into one file first".into(),
            ));
        }
        Ok((prompt, adapters, dropped))
    }

    /// One decode for everyone in the batch.
    fn step(&mut self, may_admit: bool) {
        self.drop_cancelled();
        if may_admit {
            self.admit();
        }
        let fed = self.fill();
        if self.batch.n_tokens() == 0 {
            return;
        }
        if let Err(error) = self.decode() {
            self.fail_all(&error);
            return;
        }
        let mut rows: Vec<Vec<i32>> = vec![Vec::new(); self.active.len()];
        for fed in fed {
            self.slots.extend(fed.slot, &fed.tokens);
            if let Some(rows) = rows.get_mut(fed.active) {
                rows.extend(fed.row);
            }
        }
        for (active, rows) in self.active.iter_mut().zip(&rows).filter(|(_, rows)| !rows.is_empty()) {
            for copy in active.advance(self.model, &self.context, rows) {
                let done = replace(&mut self.context, copy.from, copy.to);
                self.slots.copy(copy.from, copy.to);
                if done.is_none() {
                    active.outcome = Some(Err(LlmError::Stopped("the cache would not be copied".into())));
                }
            }
            let full = active.slots.iter().any(|slot| self.slots.len_of(*slot) >= self.limit);
            if full && active.outcome.is_none() {
                active.end(Finish::ContextFull);
            }
        }
        self.sweep();
    }

    fn drop_cancelled(&mut self) {
        let cancelled = |job: &Job| job.cancel.is_cancelled() || job.gone.is_cancelled();
        // Thousands may wait; they are only moved when one of them goes.
        let some_go = self.queue.iter().any(|w| cancelled(&w.job));
        let moved = if some_go { std::mem::take(&mut self.queue) } else { VecDeque::new() };
        for waiting in moved {
            if cancelled(&waiting.job) {
                let timings = Timings {
                    prompt_tokens: waiting.prompt.len(),
                    queued: waiting.job.handed_in.elapsed(),
                    ..Timings::default()
                };
                let nothing = Generation {
                    text: String::new(),
                    tokens: 0,
                    finish: Finish::Cancelled,
                    logprob_mean: None,
                    logprob_min: None,
                    timings,
                };
                let _ = waiting.job.events.send((waiting.job.index, Event::Done(nothing)));
            } else {
                self.queue.push_back(waiting);
            }
        }
        for active in self.active.iter_mut().filter(|a| a.is_cancelled()) {
            active.end(Finish::Cancelled);
        }
        self.sweep();
    }

    /// Takes requests from the queue, in order, while there is room.
    fn admit(&mut self) {
        while let Some(head) = self.queue.front() {
            if head.adapters != self.current {
                // Adapters act on the whole batch: those that run finish first.
                if !self.active.is_empty() {
                    return;
                }
                let wanted = head.adapters.clone();
                if let Err(error) = self.set_adapters(&wanted) {
                    if let Some(waiting) = self.queue.pop_front() {
                        let _ = waiting.job.events.send((waiting.job.index, Event::Failed(error)));
                    }
                    continue;
                }
            }
            let Some(head) = self.queue.front() else { return };
            let now = self.slots.shared(&head.prompt, &head.adapters);
            let soon = |a: &Active| {
                a.writes().is_empty()
                    && a.prompt.iter().zip(&head.prompt).take_while(|(x, y)| x == y).count()
                        > now + WORTH_WAITING
            };
            if self.active.iter().any(soon) {
                return;
            }
            if self.slots.idle() < head.width {
                return;
            }
            let reserved =
                self.active.iter().map(|a| a.total.saturating_sub(self.slots.held(&a.slots))).sum();
            let Some(plan) = self.slots.place(&head.prompt, &head.adapters, head.total, reserved) else {
                return;
            };
            let Some(waiting) = self.queue.pop_front() else { return };
            if self.carry_out(&plan).is_err() {
                // The cache would not be cut: start it over for this slot.
                self.slots.clear(plan.slot);
                let _ = self.context.clear_kv_cache_seq(Some(plan.slot as u32), None, None);
                self.queue.push_front(waiting);
                return;
            }
            self.slots.take(&plan, &waiting.adapters);
            let mut slots = vec![plan.slot];
            slots.extend(self.slots.claim(waiting.width - 1, &waiting.adapters));
            for extra in slots.iter().skip(1) {
                let _ = self.context.clear_kv_cache_seq(Some(*extra as u32), None, None);
            }
            self.start(waiting, slots, plan.keep);
        }
    }

    fn carry_out(&mut self, plan: &crate::slots::Placement) -> Result<(), ()> {
        let seq = plan.slot as u32;
        let keep = plan.keep as u32;
        if let Some(source) = plan.copy_from {
            self.context.clear_kv_cache_seq(Some(seq), None, None).map_err(drop)?;
            self.context
                .copy_kv_cache_seq(source as i32, plan.slot as i32, Some(0), Some(keep))
                .map_err(drop)?;
        } else {
            let from = (keep > 0).then_some(keep);
            if !self.context.clear_kv_cache_seq(Some(seq), from, None).map_err(drop)? {
                return Err(());
            }
        }
        for victim in &plan.evict {
            self.context.clear_kv_cache_seq(Some(*victim as u32), None, None).map_err(drop)?;
        }
        Ok(())
    }

    fn start(&mut self, waiting: Waiting, slots: Vec<usize>, cached: usize) {
        let request = &waiting.job.request;
        let grammar = match &request.grammar {
            None => Ok(None),
            Some(text) => LlamaSampler::grammar(self.model, text, "root").map(Some).map_err(|_| {
                LlmError::Request(
                    "llama.cpp refuses the grammar: a rule may begin with itself (left recursion)".into(),
                )
            }),
        };
        let (grammar, outcome) = match grammar {
            Ok(_) if request.max_tokens == 0 => (None, Some(Ok(Finish::Length))),
            Ok(grammar) => (grammar, None),
            Err(error) => (None, Some(Err(error))),
        };
        let timings = Timings {
            prompt_tokens: waiting.prompt.len(),
            cached_tokens: cached,
            dropped_tokens: waiting.dropped,
            queued: waiting.job.handed_in.elapsed(),
            ..Timings::default()
        };
        let mut active = Active::new(waiting.job, waiting.prompt, slots, waiting.total, grammar, timings);
        let over = outcome.is_some();
        active.outcome = outcome;
        self.active.push(active);
        if over {
            self.sweep();
        }
    }

    fn set_adapters(&mut self, wanted: &[(u32, u32)]) -> Result<(), LlmError> {
        let failed = || LlmError::Stopped("an adapter could not be switched".into());
        if let Some(any) = self.adapters.first_mut()
            && !self.current.is_empty()
        {
            self.context.lora_adapter_remove(any).map_err(|_| failed())?;
        }
        self.current.clear();
        for (id, scale) in wanted {
            let adapter = self.adapters.get_mut(*id as usize).ok_or_else(failed)?;
            self.context.lora_adapter_set(adapter, f32::from_bits(*scale)).map_err(|_| failed())?;
        }
        self.current = wanted.to_vec();
        Ok(())
    }

    /// Fills the batch: the next token of everyone who writes, then prompts, oldest first, as far as the step has room.
    fn fill(&mut self) -> Vec<Fed> {
        self.batch.clear();
        let mut fed = Vec::new();
        for (index, active) in self.active.iter().enumerate() {
            for (slot, token) in active.writes() {
                let row = self.batch.n_tokens();
                let position = self.slots.len_of(slot) as i32;
                if self.batch.add(LlamaToken(token), position, &[slot as i32], true).is_ok() {
                    fed.push(Fed { active: index, slot, tokens: vec![token], row: Some(row) });
                }
            }
        }
        for (index, active) in self.active.iter().enumerate().filter(|(_, a)| a.writes().is_empty()) {
            let slot = active.reader();
            let done = self.slots.len_of(slot);
            let room = self.step_tokens.saturating_sub(self.batch.n_tokens() as usize);
            let Some(rest) = active.prompt.get(done..).filter(|r| !r.is_empty()) else { continue };
            let now = rest.get(..rest.len().min(room)).unwrap_or_default();
            let complete = now.len() == rest.len();
            for (n, token) in now.iter().enumerate() {
                let last = complete && n + 1 == now.len();
                // Room was counted, so the batch takes it.
                let _ = self.batch.add(LlamaToken(*token), (done + n) as i32, &[slot as i32], last);
            }
            if !now.is_empty() {
                let row = complete.then(|| self.batch.n_tokens() - 1);
                fed.push(Fed { active: index, slot, tokens: now.to_vec(), row });
            }
        }
        fed
    }

    fn decode(&mut self) -> Result<(), String> {
        loop {
            match self.context.decode(&mut self.batch) {
                Ok(()) => return Ok(()),
                Err(DecodeError::NoKvCacheSlot) => {
                    let victim = self.slots.oldest_idle().ok_or("the key/value cache is full")?;
                    self.slots.clear(victim);
                    let _ = self.context.clear_kv_cache_seq(Some(victim as u32), None, None);
                }
                Err(error) => return Err(format!("decoding failed ({error})")),
            }
        }
    }

    fn fail_all(&mut self, why: &str) {
        for active in &mut self.active {
            active.outcome = Some(Err(LlmError::Stopped(why.to_owned())));
        }
        self.sweep();
        self.context.clear_kv_cache();
        for slot in 0..self.slots.count() {
            self.slots.clear(slot);
        }
    }

    /// Sends off everyone who is done. What a beam's other sequences hold is of no use to a later prompt.
    fn sweep(&mut self) {
        for mut active in self.active.extract_if(.., |a| a.outcome.is_some()) {
            for (n, slot) in active.slots.iter().enumerate() {
                self.slots.release(*slot);
                if n > 0 {
                    self.slots.clear(*slot);
                    let _ = self.context.clear_kv_cache_seq(Some(*slot as u32), None, None);
                }
            }
            let outcome = active.outcome.take();
            active.deliver(outcome);
        }
    }
}

/// Makes sequence `to` of the cache a copy of `from`: cells are shared, none is computed again.
fn replace(context: &mut LlamaContext<'_>, from: usize, to: usize) -> Option<()> {
    context.clear_kv_cache_seq(Some(u32::try_from(to).ok()?), None, None).ok()?;
    context.copy_kv_cache_seq(i32::try_from(from).ok()?, i32::try_from(to).ok()?, None, None).ok()
}
