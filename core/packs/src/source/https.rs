//! Downloads over HTTPS (RFC 9110): resumed after any interruption, retried with growing pauses, from the next mirror where
//! one fails, bounded in size, checked by content.
//!
//! The request runs on a thread of its own, so that a stalled server or a slow name lookup never delays a cancel.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use ureq::Agent;
use ureq::http::{HeaderMap, Response, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::unpack::unpack;
use crate::digest::Digest;
use crate::error::PackError;
use crate::files;
use crate::offer::{Compression, OfferedFile, is_allowed};
use crate::staged::Staged;
use crate::watch::Step;

/// Patience with servers.
#[derive(Debug, Clone)]
pub struct WebSettings {
    /// Tries of one address that bring nothing new before the next address is asked.
    pub attempts: u32,
    /// Pause before the second try; each further pause is twice as long, up to a minute.
    pub first_pause: Duration,
    /// Silence after which a connection counts as lost.
    pub stall: Duration,
}

impl Default for WebSettings {
    fn default() -> Self {
        Self { attempts: 5, first_pause: Duration::from_millis(500), stall: Duration::from_secs(20) }
    }
}

/// A client. Makes no connection until something is fetched.
///
/// ```
/// let web = cuba_packs::Web::new(cuba_packs::WebSettings::default());
/// ```
#[derive(Debug, Clone)]
pub struct Web {
    agent: Agent,
    settings: WebSettings,
}

/// Why one try of one address ended early.
enum Fault {
    /// Worth another try.
    Passing(String),
    /// Not from this address.
    Lasting(String),
    /// Not at all: cancelled, disk full.
    Fatal(PackError),
}

impl From<PackError> for Fault {
    fn from(error: PackError) -> Self {
        match error {
            // More bytes than allowed: this server's fault.
            PackError::Corrupt { reason, .. } => Self::Lasting(reason),
            other => Self::Fatal(other),
        }
    }
}

/// What the download thread says.
enum Event {
    Head { status: u16, headers: Box<HeaderMap> },
    Data(Vec<u8>),
    End,
    Failed(String),
}

/// Which server state the bytes on disk belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Origin {
    url: String,
    etag: String,
}

/// The pieces of one download that stay the same from try to try.
struct Task<'a> {
    url: &'a str,
    /// Content is checked by sha256 afterwards, so bytes of any mirror may be continued.
    pinned: bool,
    /// Exact number of bytes, if known.
    size: Option<u64>,
    state: PathBuf,
}

fn roots() -> RootCerts {
    let system = rustls_native_certs::load_native_certs().certs;
    let system: Vec<_> = system.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
    if system.is_empty() { RootCerts::WebPki } else { RootCerts::Specific(Arc::new(system)) }
}

impl Web {
    /// A client with these settings. Proxies are taken from the environment (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`).
    ///
    /// Servers are believed whom the system believes (`SSL_CERT_FILE` and `SSL_CERT_DIR` name other roots on Unix): some
    /// networks stand between with a certificate of their own. Where the system has none, Mozilla's roots are used.
    pub fn new(settings: WebSettings) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_resolve(Some(settings.stall))
            .timeout_connect(Some(settings.stall))
            .timeout_recv_response(Some(settings.stall))
            .timeout_per_read(Some(settings.stall))
            .max_redirects(5)
            .tls_config(TlsConfig::builder().root_certs(roots()).build())
            .user_agent(concat!("cuba/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.into(), settings }
    }

    /// Reads a small file, such as a catalogue or a registry, of at most `limit` bytes.
    pub fn read(&self, url: &str, limit: u64) -> Result<Vec<u8>, PackError> {
        let failed = |reason: String| PackError::Network { what: url.to_owned(), reason };
        if !is_allowed(url, false) {
            return Err(failed("the address is not https".into()));
        }
        let response = self.agent.get(url).call().map_err(|error| failed(error.to_string()))?;
        if response.status() != 200 {
            return Err(failed(format!("the server answered {}", response.status())));
        }
        let mut bytes = Vec::new();
        let reader = response.into_body().into_reader();
        reader.take(limit + 1).read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?;
        if bytes.len() as u64 > limit {
            return Err(PackError::corrupt(url, format!("it is larger than {limit} bytes")));
        }
        Ok(bytes)
    }

    /// Fetches `wanted` from the first of `urls` that has it whole and right.
    pub(crate) fn fetch(
        &self,
        wanted: &OfferedFile,
        urls: &[String],
        compression: Option<Compression>,
        into: &mut Staged<'_>,
    ) -> Result<(), PackError> {
        let mut last = Fault::Lasting("it lists no address".into());
        for url in urls {
            let fault = match self.fetch_from(url, wanted, compression, into) {
                Ok(()) => return Ok(()),
                Err(Fault::Fatal(error)) => return Err(error),
                Err(fault) => fault,
            };
            last = fault;
        }
        match last {
            Fault::Passing(reason) => Err(PackError::Network { what: wanted.path.clone(), reason }),
            // Every address was asked; the last gave a definite no or wrong content.
            Fault::Lasting(reason) if reason.starts_with("the server answered") => {
                Err(PackError::Network { what: wanted.path.clone(), reason })
            }
            Fault::Lasting(reason) => Err(PackError::corrupt(&wanted.path, reason)),
            Fault::Fatal(error) => Err(error),
        }
    }

    fn fetch_from(
        &self,
        url: &str,
        wanted: &OfferedFile,
        compression: Option<Compression>,
        into: &mut Staged<'_>,
    ) -> Result<(), Fault> {
        let pinned = wanted.sha256.is_some();
        if !is_allowed(url, pinned) {
            return Err(Fault::Lasting("the address is not https".into()));
        }
        let state = into.scratch().join("state.json");
        if compression.is_none() {
            let task = Task { url, pinned, size: wanted.size, state };
            self.download(&task, into)?;
            return check(into, wanted, &task.state);
        }
        let part = into.scratch().join("part");
        let task = Task { url, pinned, size: None, state };
        let mut context = into.context;
        // Incompressible content grows a little when compressed.
        context.limit += context.limit / 16 + 4096;
        let mut packed = Staged::open(part.clone(), into.scratch().to_owned(), context)?;
        self.download(&task, &mut packed)?;
        into.truncate(0)?;
        let file = std::fs::File::open(&part).map_err(|error| PackError::read(&part, error))?;
        let unpacked =
            unpack(std::io::BufReader::new(file), compression, &wanted.path, into).map_err(Fault::from);
        let checked = unpacked.and_then(|()| check(into, wanted, &task.state));
        if matches!(checked, Err(Fault::Lasting(_))) {
            packed.truncate(0)?;
        }
        checked
    }

    /// Brings `into` to the end of what is at the address, in as many tries as it takes.
    fn download(&self, task: &Task<'_>, into: &mut Staged<'_>) -> Result<(), Fault> {
        if !task.pinned && Origin::read(&task.state).is_none_or(|origin| origin.url != task.url) {
            // Without a hash, bytes of unknown origin must not become the beginning of this file.
            into.truncate(0)?;
        }
        let mut fruitless = 0;
        loop {
            let before = into.len();
            let reason = match self.attempt(task, into) {
                Ok(()) => return Ok(()),
                Err(Fault::Passing(reason)) => reason,
                Err(fault) => return Err(fault),
            };
            fruitless = if into.len() > before { 1 } else { fruitless + 1 };
            if fruitless >= self.settings.attempts {
                return Err(Fault::Passing(reason));
            }
            self.pause(fruitless, into)?;
        }
    }

    /// Waits before the next try, listening for a cancel.
    fn pause(&self, fruitless: u32, into: &Staged<'_>) -> Result<(), PackError> {
        let factor = 2_u32.saturating_pow(fruitless.saturating_sub(1));
        let pause = self.settings.first_pause.saturating_mul(factor).min(Duration::from_secs(60));
        let start = Instant::now();
        while start.elapsed() < pause {
            into.report(Step::Download, into.len())?;
            std::thread::sleep(pause.saturating_sub(start.elapsed()).min(Duration::from_millis(50)));
        }
        Ok(())
    }

    /// One request and its body.
    fn attempt(&self, task: &Task<'_>, into: &mut Staged<'_>) -> Result<(), Fault> {
        if into.len() > 0 && task.size == Some(into.len()) {
            return Ok(());
        }
        let events = self.request(task, into.len());
        let total = match next(&events, into, self.settings.stall)? {
            Event::Head { status, headers } => match accept(status, &headers, task, into)? {
                Some(total) => total,
                None => return Ok(()),
            },
            Event::Failed(reason) => return Err(Fault::Passing(reason)),
            Event::Data(_) | Event::End => return Err(Fault::Passing("the server gave no answer".into())),
        };
        loop {
            match next(&events, into, self.settings.stall)? {
                Event::Data(bytes) => into.append(&bytes)?,
                Event::End if into.len() < total => {
                    return Err(Fault::Passing("the connection was closed early".into()));
                }
                Event::End => return Ok(()),
                Event::Failed(reason) => return Err(Fault::Passing(reason)),
                Event::Head { .. } => {}
            }
        }
    }

    /// Starts the request on a thread, which ends with the body, the stall timeout, or when nobody listens any more.
    fn request(&self, task: &Task<'_>, have: u64) -> Receiver<Event> {
        let mut request = self.agent.get(task.url).header(header::ACCEPT_ENCODING, "identity");
        if have > 0 {
            request = request.header(header::RANGE, format!("bytes={have}-"));
            // Only what this very server state gave may be continued, unless a hash will judge.
            if let Some(origin) = Origin::read(&task.state).filter(|origin| origin.url == task.url) {
                request = request.header(header::IF_RANGE, origin.etag);
            }
        }
        let (sender, receiver) = sync_channel(8);
        std::thread::spawn(move || match request.call() {
            Ok(response) => pump(response, &sender),
            Err(error) => drop(sender.send(Event::Failed(error.to_string()))),
        });
        receiver
    }
}

/// Passes an answer on, piece by piece, as long as somebody listens.
fn pump(response: Response<ureq::Body>, sender: &SyncSender<Event>) {
    let headers = Box::new(response.headers().clone());
    if sender.send(Event::Head { status: response.status().as_u16(), headers }).is_err() {
        return;
    }
    let mut reader = response.into_body().into_reader();
    let mut buffer = vec![0_u8; 64 * 1024];
    loop {
        let event = match reader.read(&mut buffer) {
            Ok(0) => Event::End,
            Ok(n) => Event::Data(buffer.get(..n).unwrap_or_default().to_vec()),
            Err(error) => Event::Failed(error.to_string()),
        };
        let last = !matches!(event, Event::Data(_));
        if sender.send(event).is_err() || last {
            return;
        }
    }
}

/// The next event, listening for a cancel ten times a second.
fn next(events: &Receiver<Event>, into: &Staged<'_>, stall: Duration) -> Result<Event, Fault> {
    let start = Instant::now();
    loop {
        into.report(Step::Download, into.len())?;
        match events.recv_timeout(Duration::from_millis(100)) {
            Ok(event) => return Ok(event),
            Err(RecvTimeoutError::Disconnected) => return Ok(Event::Failed("the connection broke".into())),
            // The thread has its own timeouts for each phase; this one is for a thread stuck where it has none.
            Err(RecvTimeoutError::Timeout) if start.elapsed() > stall.saturating_mul(4) => {
                return Err(Fault::Passing("the server fell silent".into()));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Judges the head of an answer. Gives the length that the file will have; `None` where it is here already.
fn accept(
    status: u16,
    headers: &HeaderMap,
    task: &Task<'_>,
    into: &mut Staged<'_>,
) -> Result<Option<u64>, Fault> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let range = text(header::CONTENT_RANGE).and_then(parse_content_range);
    match status {
        200 => {
            into.truncate(0)?;
            remember_origin(task, text(header::ETAG));
            let total = text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
            let total = match (total.or(task.size), task.pinned) {
                (Some(total), _) => total,
                // Content that is checked by hash may come without a length.
                (None, true) => 0,
                (None, false) => return Err(Fault::Lasting("the server does not say how long it is".into())),
            };
            fits(total, task, into).map(Some)
        }
        206 => match range {
            Some((Some(start), total)) if start == into.len() => {
                if let Some(total) = total {
                    return fits(total, task, into).map(Some);
                }
                Ok(Some(task.size.unwrap_or(0)))
            }
            _ => {
                into.truncate(0)?;
                forget_origin(task);
                Err(Fault::Passing("the server continued at the wrong place".into()))
            }
        },
        416 if range.is_some_and(|(_, total)| total == Some(into.len())) => Ok(None),
        416 => {
            into.truncate(0)?;
            forget_origin(task);
            Err(Fault::Passing("the server no longer has what was begun".into()))
        }
        408 | 425 | 429 | 500..=599 => Err(Fault::Passing(format!("the server answered {status}"))),
        _ => Err(Fault::Lasting(format!("the server answered {status}"))),
    }
}

/// A server's claim about the length, against what the file may have. A claim is never believed further than that.
fn fits(total: u64, task: &Task<'_>, into: &Staged<'_>) -> Result<u64, Fault> {
    match task.size {
        Some(size) if total != 0 && total != size => {
            Err(Fault::Lasting(format!("the server has {total} bytes instead of {size}")))
        }
        _ if total > into.limit() => Err(Fault::Lasting(format!("it is larger than {} bytes", into.limit()))),
        _ => Ok(total),
    }
}

/// Checks the whole file. What is wrong is thrown away, so that the next address starts afresh.
fn check(into: &mut Staged<'_>, wanted: &OfferedFile, state: &Path) -> Result<(), Fault> {
    let digest: Digest = into.digest();
    let reason = if wanted.size.is_some_and(|size| size != into.len()) {
        format!("it has {} bytes instead of {}", into.len(), wanted.limit())
    } else if wanted.sha256.is_some_and(|sha256| sha256 != digest) {
        "its sha256 is not the one expected".into()
    } else {
        return Ok(());
    };
    into.truncate(0)?;
    let _ = std::fs::remove_file(state);
    Err(Fault::Lasting(reason))
}

/// `bytes 5-9/10`, `bytes 5-9/*` or `bytes */10` (RFC 9110, 14.4): the start and the total.
fn parse_content_range(text: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes")?.trim().split_once('/')?;
    let total = total.trim().parse().ok();
    match range.trim() {
        "*" => Some((None, total)),
        range => Some((Some(range.split_once('-')?.0.trim().parse().ok()?), total)),
    }
}

/// Keeps a strong validator only: a weak one does not promise equal bytes (RFC 9110, 8.8.1).
fn remember_origin(task: &Task<'_>, etag: Option<&str>) {
    match etag.filter(|etag| etag.starts_with('"')) {
        Some(etag) => {
            let origin = Origin { url: task.url.to_owned(), etag: etag.to_owned() };
            let json = serde_json::to_vec(&origin).expect("two strings are JSON");
            let _ = files::write_atomically(&task.state, &json);
        }
        None => forget_origin(task),
    }
}

fn forget_origin(task: &Task<'_>) {
    let _ = std::fs::remove_file(&task.state);
}

impl Origin {
    fn read(state: &Path) -> Option<Self> {
        serde_json::from_slice(&files::read_limited(state, 64 << 10).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges() {
        assert_eq!(parse_content_range("bytes 5-9/10"), Some((Some(5), Some(10))));
        assert_eq!(parse_content_range("bytes 5-9/*"), Some((Some(5), None)));
        assert_eq!(parse_content_range("bytes */10"), Some((None, Some(10))));
        for wrong in ["", "bytes", "items 1-2/3", "bytes 5/10", "bytes x-9/10"] {
            assert_eq!(parse_content_range(wrong), None, "{wrong}");
        }
    }
}
