//! The loop of the owner thread: requests join the batch, advance one token a step together, and leave.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::Instant;

use llama_cpp_2::DecodeError;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::{LlamaLoraAdapter, LlamaModel};
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;

use crate::LlmError;
use crate::adapter::AdapterId;
use crate::assemble::Assembler;
use crate::owner::{Event, Job, Message, Plan};
use crate::request::{Finish, Generation, Overflow, Timings};
use crate::sampler::{Sampler, logprob};
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
    /// Cells it may come to hold: prompt and answer.
    total: usize,
}

/// A request in the batch.
struct Active {
    job: Box<Job>,
    prompt: Vec<i32>,
    slot: usize,
    total: usize,
    /// The chosen token that the next step computes; `None` while the prompt is read.
    next: Option<i32>,
    sampler: Sampler,
    grammar: Option<LlamaSampler>,
    assembler: Assembler,
    produced: usize,
    logprob_sum: f64,
    logprob_min: f32,
    timings: Timings,
    admitted: Instant,
    first_token: Option<Instant>,
    outcome: Option<Result<Finish, LlmError>>,
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
                let total = (prompt.len() + job.request.max_tokens).min(self.limit);
                self.queue.push_back(Waiting { job, prompt, adapters, dropped, total });
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
        for (index, tokens, row) in fed {
            let Some(active) = self.active.get_mut(index) else { continue };
            self.slots.extend(active.slot, &tokens);
            active.next = None;
            if let Some(row) = row {
                let outcome = active.advance(self.model, &self.context, row);
                active.outcome = match outcome {
                    Ok(None) if self.slots.len_of(active.slot) >= self.limit => Some(Ok(Finish::ContextFull)),
                    Ok(finish) => finish.map(Ok),
                    Err(error) => Some(Err(error)),
                };
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
        for active in &mut self.active {
            if cancelled(&active.job) {
                active.outcome = Some(Ok(Finish::Cancelled));
            }
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
                a.next.is_none()
                    && a.prompt.iter().zip(&head.prompt).take_while(|(x, y)| x == y).count()
                        > now + WORTH_WAITING
            };
            if self.active.iter().any(soon) {
                return;
            }
            let reserved =
                self.active.iter().map(|a| a.total.saturating_sub(self.slots.len_of(a.slot))).sum();
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
            self.start(waiting, plan.slot, plan.keep);
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

    fn start(&mut self, waiting: Waiting, slot: usize, cached: usize) {
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
        self.active.push(Active {
            sampler: Sampler::new(request.sampling),
            assembler: Assembler::new(&request.stop),
            job: waiting.job,
            prompt: waiting.prompt,
            slot,
            total: waiting.total,
            next: None,
            grammar,
            produced: 0,
            logprob_sum: 0.0,
            logprob_min: 0.0,
            timings,
            admitted: Instant::now(),
            first_token: None,
            outcome,
        });
        if self.active.last().is_some_and(|a| a.outcome.is_some()) {
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

    /// Fills the batch: one token of everyone who writes, then prompts, oldest first, as far as the step has room.
    /// Returns for each its tokens and, if it may choose a token after the step, the batch row of its logits.
    #[allow(clippy::type_complexity)]
    fn fill(&mut self) -> Vec<(usize, Vec<i32>, Option<i32>)> {
        self.batch.clear();
        let mut fed = Vec::new();
        for (index, active) in self.active.iter().enumerate() {
            if let Some(token) = active.next {
                let row = self.batch.n_tokens();
                let position = self.slots.len_of(active.slot) as i32;
                if self.batch.add(LlamaToken(token), position, &[active.slot as i32], true).is_ok() {
                    fed.push((index, vec![token], Some(row)));
                }
            }
        }
        for (index, active) in self.active.iter().enumerate() {
            let done = self.slots.len_of(active.slot);
            let room = self.step_tokens.saturating_sub(self.batch.n_tokens() as usize);
            let Some(rest) = active.prompt.get(done..).filter(|r| active.next.is_none() && !r.is_empty())
            else {
                continue;
            };
            let now = rest.get(..rest.len().min(room)).unwrap_or_default();
            let complete = now.len() == rest.len();
            for (n, token) in now.iter().enumerate() {
                let last = complete && n + 1 == now.len();
                // Room was counted, so the batch takes it.
                let _ = self.batch.add(LlamaToken(*token), (done + n) as i32, &[active.slot as i32], last);
            }
            if !now.is_empty() {
                fed.push((index, now.to_vec(), complete.then(|| self.batch.n_tokens() - 1)));
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

    /// Sends off everyone who is done.
    fn sweep(&mut self) {
        for mut active in self.active.extract_if(.., |a| a.outcome.is_some()) {
            self.slots.release(active.slot);
            let outcome = active.outcome.take();
            active.deliver(outcome);
        }
    }
}

impl Active {
    /// Chooses the next token from row `row` of the last decode. `Some` when the request is over.
    fn advance(
        &mut self,
        model: &LlamaModel,
        context: &LlamaContext<'_>,
        row: i32,
    ) -> Result<Option<Finish>, LlmError> {
        let logits = context.get_logits_ith(row);
        let id = self.choose(logits)?;
        let token = LlamaToken(id as i32);
        if let Some(grammar) = &mut self.grammar {
            // `choose` asked the grammar, so it takes the token; llama.cpp aborts on one it does not allow.
            grammar.accept(token);
        }
        if self.first_token.is_none() {
            self.first_token = Some(Instant::now());
        }
        if model.vocab().is_eog(token) {
            return Ok(Some(Finish::End));
        }
        if self.job.request.logprobs {
            let p = logprob(logits, id);
            self.logprob_sum += f64::from(p);
            self.logprob_min = self.logprob_min.min(p);
        }
        self.produced += 1;
        let pushed = self.assembler.push(&model.vocab().token_to_piece(token, false, None));
        self.tell(pushed.text);
        if pushed.stopped {
            return Ok(Some(Finish::Stop));
        }
        if self.produced >= self.job.request.max_tokens {
            return Ok(Some(Finish::Length));
        }
        self.next = Some(token.0);
        Ok(None)
    }

    fn choose(&mut self, logits: &[f32]) -> Result<usize, LlmError> {
        let broken =
            || LlmError::Stopped("the model computed no usable number; its file may be damaged".into());
        let id = self.sampler.choose(logits).ok_or_else(broken)?;
        let Some(grammar) = &mut self.grammar else { return Ok(id) };
        // Most tokens fit the grammar: ask about this one before asking about all of them.
        let mut one =
            LlamaTokenDataArray::new(vec![LlamaTokenData::new(LlamaToken(id as i32), 1.0, 0.0)], false);
        one.apply_sampler(grammar);
        if one.data.first().is_some_and(|d| d.logit() > f32::NEG_INFINITY) {
            return Ok(id);
        }
        let all = logits.iter().enumerate().map(|(i, l)| LlamaTokenData::new(LlamaToken(i as i32), *l, 0.0));
        let mut all = LlamaTokenDataArray::new(all.collect(), false);
        all.apply_sampler(grammar);
        let mut allowed = vec![f32::NEG_INFINITY; logits.len()];
        for data in &all.data {
            if let Some(logit) = allowed.get_mut(data.id().0 as usize) {
                *logit = data.logit();
            }
        }
        self.sampler
            .choose(&allowed)
            .ok_or_else(|| LlmError::Request("the grammar allows no token that this model has".into()))
    }

    fn tell(&self, text: String) {
        if !text.is_empty() && self.job.events.send((self.job.index, Event::Text(text))).is_err() {
            self.job.gone.cancel();
        }
    }

    fn deliver(mut self, outcome: Option<Result<Finish, LlmError>>) {
        let event = match outcome {
            Some(Ok(finish)) => {
                if finish != Finish::Stop {
                    let rest = self.assembler.finish();
                    self.tell(rest);
                }
                Event::Done(self.generation(finish))
            }
            Some(Err(error)) => Event::Failed(error),
            None => return,
        };
        let _ = self.job.events.send((self.job.index, event));
    }

    fn generation(&mut self, finish: Finish) -> Generation {
        let now = Instant::now();
        let first = self.first_token.unwrap_or(now);
        self.timings.prompt = first - self.admitted;
        self.timings.generate = now - first;
        let scored = self.job.request.logprobs && self.produced > 0;
        Generation {
            text: std::mem::take(&mut self.assembler.text),
            tokens: self.produced,
            finish,
            logprob_mean: scored.then(|| (self.logprob_sum / self.produced as f64) as f32),
            logprob_min: scored.then_some(self.logprob_min),
            timings: self.timings,
        }
    }
}
