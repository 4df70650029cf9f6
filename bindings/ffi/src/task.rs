//! Long work: a lane of worker threads, a handle that cancels, and a board that tells a listener how far it is.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use crate::CubaError;

/// Least time between two calls of one listener.
const BETWEEN_CALLS: Duration = Duration::from_millis(100);

/// How far a task is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, uniffi::Enum)]
pub enum Stage {
    /// Another task is before it.
    #[default]
    Waiting,
    /// At work.
    Working,
    /// Done: the result is there.
    Finished,
    /// Ended on request.
    Cancelled,
    /// Ended by an error: the result says which.
    Failed,
}

impl Stage {
    /// No state follows this one.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Finished | Self::Cancelled | Self::Failed)
    }
}

/// A listener threw. The task goes on to its end without it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum ListenerError {
    /// Whatever was thrown.
    #[error("the listener failed")]
    Failed,
}

impl From<uniffi::UnexpectedUniFFICallbackError> for ListenerError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed
    }
}

/// Progress of work that is counted in bytes or lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, uniffi::Record)]
pub struct ProgressState {
    /// How far the task is.
    pub stage: Stage,
    /// Bytes or lines done.
    pub done: u64,
    /// Of how many, as far as known now; 0 while unknown.
    pub total: u64,
}

/// Hears how far a task is.
#[uniffi::export(rust, foreign)]
pub trait ProgressListener: Send + Sync {
    /// The present state: first when the task is made, then at most ten times a second, last with an end stage. Called
    /// on a thread of its own; a slow listener skips states and holds up nothing. One that throws is not called again.
    fn on_state(&self, state: ProgressState) -> Result<(), ListenerError>;
}

/// A state that carries its stage.
pub(crate) trait State: Clone + Default + Send + 'static {
    fn set_stage(&mut self, stage: Stage);
    fn stage(&self) -> Stage;
}

impl State for ProgressState {
    fn set_stage(&mut self, stage: Stage) {
        self.stage = stage;
    }

    fn stage(&self) -> Stage {
        self.stage
    }
}

/// Calls a listener; an `Err` ends the calls.
pub(crate) type Deliver<S> = Box<dyn FnMut(S) -> Result<(), ListenerError> + Send>;

/// The latest state of a task. Work writes on it and never waits; a thread beside it carries it to the listener.
pub(crate) struct Board<S> {
    latest: Mutex<(S, u64)>,
    changed: Condvar,
}

impl<S: State> Board<S> {
    fn new() -> Self {
        Self { latest: Mutex::new((S::default(), 1)), changed: Condvar::new() }
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut S)) {
        let mut latest = guard(&self.latest);
        change(&mut latest.0);
        latest.1 += 1;
        self.changed.notify_all();
    }

    /// The state once it is newer than `seen`.
    fn newer_than(&self, seen: u64) -> (S, u64) {
        let latest = guard(&self.latest);
        let latest = self.changed.wait_while(latest, |l| l.1 <= seen).unwrap_or_else(PoisonError::into_inner);
        latest.clone()
    }

    fn deliver_to(self: &Arc<Self>, mut deliver: Deliver<S>) {
        let board = self.clone();
        spawn("cuba-listener", move || {
            let mut seen = 0;
            loop {
                let (state, version) = board.newer_than(seen);
                seen = version;
                let (stage, called) = (state.stage(), Instant::now());
                let heard = catch_unwind(AssertUnwindSafe(|| deliver(state)));
                if stage.is_end() || !matches!(heard, Ok(Ok(()))) {
                    return;
                }
                std::thread::sleep(BETWEEN_CALLS.saturating_sub(called.elapsed()));
            }
        });
    }
}

enum Outcome<T> {
    Pending(Vec<Waker>),
    Ready(Result<T, CubaError>),
}

/// What a task's handle and its worker share.
pub(crate) struct Running<T> {
    pub(crate) cancel: Arc<AtomicBool>,
    outcome: Mutex<Outcome<T>>,
    ready: Condvar,
}

impl<T: Clone> Running<T> {
    fn new() -> Self {
        Self {
            cancel: Arc::default(),
            outcome: Mutex::new(Outcome::Pending(Vec::new())),
            ready: Condvar::new(),
        }
    }

    fn finish(&self, result: Result<T, CubaError>) {
        let before = std::mem::replace(&mut *guard(&self.outcome), Outcome::Ready(result));
        self.ready.notify_all();
        if let Outcome::Pending(wakers) = before {
            wakers.into_iter().for_each(Waker::wake);
        }
    }

    pub(crate) fn is_ended(&self) -> bool {
        matches!(*guard(&self.outcome), Outcome::Ready(_))
    }

    pub(crate) fn wait(&self) -> Result<T, CubaError> {
        let outcome = guard(&self.outcome);
        let pending = |outcome: &mut Outcome<T>| matches!(outcome, Outcome::Pending(_));
        let outcome = self.ready.wait_while(outcome, pending).unwrap_or_else(PoisonError::into_inner);
        match &*outcome {
            Outcome::Ready(result) => result.clone(),
            Outcome::Pending(_) => Err(CubaError::other("the task was lost")),
        }
    }

    pub(crate) async fn result(&self) -> Result<T, CubaError> {
        poll_fn(|context| match &mut *guard(&self.outcome) {
            Outcome::Ready(result) => Poll::Ready(result.clone()),
            Outcome::Pending(wakers) => {
                if !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                    wakers.push(context.waker().clone());
                }
                Poll::Pending
            }
        })
        .await
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// Runs tasks in their order on at most `width` threads, which end when nothing is left to do.
pub(crate) struct Lane {
    width: usize,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    threads: usize,
    cancels: Vec<Weak<AtomicBool>>,
}

impl Lane {
    pub(crate) fn new(width: usize) -> Arc<Self> {
        Arc::new(Self { width, queue: Mutex::default() })
    }

    /// Starts work that writes its progress on the board and looks at the flag.
    pub(crate) fn start<T, S>(
        self: &Arc<Self>,
        deliver: Option<Deliver<S>>,
        work: impl FnOnce(&Arc<AtomicBool>, &Arc<Board<S>>) -> Result<T, CubaError> + Send + 'static,
    ) -> Arc<Running<T>>
    where
        T: Clone + Send + 'static,
        S: State,
    {
        let running = Arc::new(Running::new());
        let board = Arc::new(Board::new());
        if let Some(deliver) = deliver {
            board.deliver_to(deliver);
        }
        let ours = running.clone();
        self.push(
            Arc::downgrade(&running.cancel),
            Box::new(move || {
                let flag = &ours.cancel;
                board.update(|state| state.set_stage(Stage::Working));
                let result = catch_unwind(AssertUnwindSafe(|| work(flag, &board)));
                let result =
                    result.unwrap_or_else(|_| Err(CubaError::other("a fault in Cuba ended this task")));
                let stage = match &result {
                    Ok(_) if !flag.load(Ordering::Relaxed) => Stage::Finished,
                    Ok(_) | Err(CubaError::Cancelled) => Stage::Cancelled,
                    Err(_) => Stage::Failed,
                };
                // The result first: a listener that hears the end finds it there.
                ours.finish(result);
                board.update(|state| state.set_stage(stage));
            }),
        );
        running
    }

    fn push(self: &Arc<Self>, cancel: Weak<AtomicBool>, job: Job) {
        let mut queue = guard(&self.queue);
        queue.cancels.retain(|flag| flag.strong_count() > 0);
        queue.cancels.push(cancel);
        queue.jobs.push_back(job);
        if queue.threads < self.width {
            queue.threads += 1;
            drop(queue);
            let lane = self.clone();
            // Without a thread (a device out of memory) here and now: slow is better than never.
            if !spawn("cuba-task", move || lane.work_off()) {
                self.work_off();
            }
        }
    }

    fn work_off(&self) {
        loop {
            let job = {
                let mut queue = guard(&self.queue);
                let Some(job) = queue.jobs.pop_front() else {
                    queue.threads -= 1;
                    return;
                };
                job
            };
            job();
        }
    }

    /// Cancels everything that runs or waits.
    pub(crate) fn cancel_all(&self) {
        for flag in guard(&self.queue).cancels.drain(..).filter_map(|flag| flag.upgrade()) {
            flag.store(true, Ordering::Relaxed);
        }
    }
}

/// `false` where the system gives no thread.
fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> bool {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).is_ok()
}

/// A panic under one of these locks leaves nothing half-changed.
pub(crate) fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the handle of one kind of task: `UniFFI` has no generics.
macro_rules! task {
    ($(#[$doc:meta])* $name:ident -> $view:ty) => {
        $(#[$doc])*
        ///
        /// Dropping the handle cancels the work.
        #[derive(uniffi::Object)]
        pub struct $name(std::sync::Arc<crate::task::Running<$view>>);

        #[uniffi::export]
        impl $name {
            /// Asks the work to end. What was finished stays finished.
            pub fn cancel(&self) {
                self.0.cancel.store(true, std::sync::atomic::Ordering::Relaxed);
            }

            /// Whether the result is there.
            pub fn is_ended(&self) -> bool {
                self.0.is_ended()
            }

            /// The result, awaited without blocking a thread. May be dropped and asked again.
            pub async fn result(&self) -> Result<$view, crate::CubaError> {
                self.0.result().await
            }

            /// The result; blocks the calling thread until it is there. Not for a screen's thread.
            pub fn wait(&self) -> Result<$view, crate::CubaError> {
                self.0.wait()
            }
        }

        impl $name {
            pub(crate) fn of(running: std::sync::Arc<crate::task::Running<$view>>) -> std::sync::Arc<Self> {
                std::sync::Arc::new(Self(running))
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                self.cancel();
            }
        }
    };
}
pub(crate) use task;

/// A progress listener as the board calls it.
#[cfg(any(feature = "packs", feature = "health"))]
pub(crate) fn progress(listener: Option<Arc<dyn ProgressListener>>) -> Option<Deliver<ProgressState>> {
    listener.map(|listener| Box::new(move |state| listener.on_state(state)) as Deliver<ProgressState>)
}
