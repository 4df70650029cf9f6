//! A request in the batch: what it has written, and how it goes on.

use std::time::Instant;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;

use crate::LlmError;
use crate::assemble::Assembler;
use crate::beam::{Beam, Copy, Words};
use crate::owner::{Event, Job};
use crate::request::{Finish, Generation, Sampling, Timings};
use crate::sampler::{Sampler, logprob};

pub(crate) struct Active {
    job: Box<Job>,
    pub(crate) prompt: Vec<i32>,
    /// Its sequences of the cache; the first reads the prompt.
    pub(crate) slots: Vec<usize>,
    /// Cells it may come to hold.
    pub(crate) total: usize,
    /// The chosen token that the next step computes; `None` while the prompt is read, and in a beam.
    next: Option<i32>,
    beam: Option<Beam>,
    sampler: Sampler,
    grammar: Option<LlamaSampler>,
    assembler: Assembler,
    produced: usize,
    logprob_sum: f64,
    logprob_min: f32,
    timings: Timings,
    admitted: Instant,
    first_token: Option<Instant>,
    pub(crate) outcome: Option<Result<Finish, LlmError>>,
}

impl Words for &LlamaModel {
    fn ends(&self, token: i32) -> bool {
        self.vocab().is_eog(LlamaToken(token))
    }
    fn piece(&self, token: i32) -> Vec<u8> {
        self.vocab().token_to_piece(LlamaToken(token), false, None)
    }
}

impl Active {
    pub(crate) fn new(
        job: Box<Job>,
        prompt: Vec<i32>,
        slots: Vec<usize>,
        total: usize,
        grammar: Option<LlamaSampler>,
        timings: Timings,
    ) -> Self {
        let request = &job.request;
        let assembler = Assembler::new(&request.stop);
        let beam = match request.sampling {
            Sampling::Beam { length_penalty, .. } => {
                Some(Beam::new(slots.clone(), assembler.clone(), length_penalty, request.max_tokens))
            }
            _ => None,
        };
        Self {
            sampler: Sampler::new(request.sampling),
            assembler,
            job,
            prompt,
            slots,
            total,
            next: None,
            beam,
            grammar,
            produced: 0,
            logprob_sum: 0.0,
            logprob_min: 0.0,
            timings,
            admitted: Instant::now(),
            first_token: None,
            outcome: None,
        }
    }

    /// The sequence that reads the prompt.
    pub(crate) fn reader(&self) -> usize {
        self.slots.first().copied().unwrap_or_default()
    }

    /// Tokens that the next step computes and the sequences they continue; none while the prompt is read.
    pub(crate) fn writes(&self) -> Vec<(usize, i32)> {
        match &self.beam {
            Some(beam) => beam.live().iter().filter_map(|h| Some((h.slot, h.next?))).collect(),
            None => self.next.map(|token| (self.reader(), token)).into_iter().collect(),
        }
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.job.cancel.is_cancelled() || self.job.gone.is_cancelled()
    }

    /// Goes on from rows of the last decode: one, or in a beam one for each live hypothesis. What it returns is to be done
    /// in the cache.
    pub(crate) fn advance(
        &mut self,
        model: &LlamaModel,
        context: &LlamaContext<'_>,
        rows: &[i32],
    ) -> Vec<Copy> {
        if self.first_token.is_none() {
            self.first_token = Some(Instant::now());
        }
        self.next = None;
        let rows: Vec<&[f32]> = rows.iter().map(|row| context.get_logits_ith(*row)).collect();
        if let Some(beam) = &mut self.beam {
            let copies = beam.advance(&rows, &model);
            if copies.is_none() {
                self.outcome = Some(Err(broken()));
            } else if beam.live().is_empty() {
                self.settle(None);
            }
            return copies.unwrap_or_default();
        }
        for row in rows {
            match self.write(model, row) {
                Ok(finish) => self.outcome = finish.map(Ok),
                Err(error) => self.outcome = Some(Err(error)),
            }
        }
        Vec::new()
    }

    /// Ends now; of a beam the best so far stays.
    pub(crate) fn end(&mut self, finish: Finish) {
        if self.beam.is_some() {
            self.settle(Some(finish));
        } else {
            self.outcome = Some(Ok(finish));
        }
    }

    fn settle(&mut self, early: Option<Finish>) {
        let Some((best, finish)) = self.beam.take().and_then(|mut beam| beam.best(early)) else {
            // Nothing followed and nothing done: whoever waits must hear of it.
            self.outcome = Some(Err(broken()));
            return;
        };
        (self.produced, self.logprob_sum, self.logprob_min) =
            (best.tokens, best.logprob_sum, best.logprob_min);
        self.assembler = best.text;
        self.tell(self.assembler.text.clone());
        self.outcome = Some(Ok(finish));
    }

    /// Chooses the next token. `Some` when the request is over.
    fn write(&mut self, model: &LlamaModel, logits: &[f32]) -> Result<Option<Finish>, LlmError> {
        let id = self.choose(logits)?;
        let token = LlamaToken(id as i32);
        if let Some(grammar) = &mut self.grammar {
            // `choose` asked the grammar, so it takes the token; llama.cpp aborts on one it does not allow.
            grammar.accept(token);
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

    pub(crate) fn deliver(mut self, outcome: Option<Result<Finish, LlmError>>) {
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

fn broken() -> LlmError {
    LlmError::Stopped("the model computed no usable number; its file may be damaged".into())
}
