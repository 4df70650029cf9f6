//! A web server of the standard library alone, with any manners a test asks for.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request, as far as tests look at it.
#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// How many requests for this path came before.
    pub earlier: usize,
}

impl Request {
    /// Start of the range asked for.
    pub fn range(&self) -> Option<usize> {
        self.headers.get("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// An answer and how it goes wrong.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Close the connection after this many bytes of the body.
    pub drop_after: Option<usize>,
    /// Fall silent after this many bytes, for that long.
    pub stall_after: Option<(usize, Duration)>,
}

impl Answer {
    pub fn new(status: u16, body: &[u8]) -> Self {
        let headers = vec![("Content-Length".into(), body.len().to_string())];
        Self { status, headers, body: body.to_vec(), ..Self::default() }
    }

    /// A well-behaved answer with ranges and an entity tag.
    pub fn file(request: &Request, content: &[u8], etag: &str) -> Self {
        let fresh = request.headers.get("if-range").is_none_or(|tag| tag == etag);
        let answer = match request.range() {
            Some(start) if fresh && start < content.len() => Self::new(206, &content[start..])
                .with("Content-Range", &format!("bytes {start}-{}/{}", content.len() - 1, content.len())),
            Some(_) if fresh => {
                Self::new(416, b"").with("Content-Range", &format!("bytes */{}", content.len()))
            }
            _ => Self::new(200, content),
        };
        answer.with("ETag", etag)
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(existing, _)| existing != name);
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn dropping(mut self, after: usize) -> Self {
        self.drop_after = Some(after);
        self
    }

    pub fn stalling(mut self, after: usize, time: Duration) -> Self {
        self.stall_after = Some((after, time));
        self
    }
}

/// A running server. Its thread ends with the test process.
pub struct Server {
    pub base: String,
    pub log: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let log: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (seen, answer) = (Arc::clone(&log), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let _ = converse(&stream, &seen, &*answer);
                });
            }
        });
        Self { base, log }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }
}

fn converse(
    mut stream: &TcpStream,
    seen: &Mutex<Vec<Request>>,
    answer: &dyn Fn(&Request) -> Answer,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
    let mut headers = BTreeMap::new();
    for line in lines {
        let line = line?;
        match line.split_once(':') {
            Some((name, value)) => headers.insert(name.to_lowercase(), value.trim().to_owned()),
            None => break,
        };
    }
    let request = {
        let mut seen = seen.lock().unwrap();
        let earlier = seen.iter().filter(|other| other.path == path).count();
        let request = Request { path, headers, earlier };
        seen.push(request.clone());
        request
    };
    let answer = answer(&request);
    write!(stream, "HTTP/1.1 {} X\r\nConnection: close\r\n", answer.status)?;
    for (name, value) in &answer.headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    stream.write_all(b"\r\n")?;
    let end = answer.drop_after.unwrap_or(answer.body.len()).min(answer.body.len());
    match answer.stall_after {
        Some((after, time)) => {
            stream.write_all(&answer.body[..after.min(end)])?;
            stream.flush()?;
            std::thread::sleep(time);
            stream.write_all(&answer.body[after.min(end)..end])
        }
        None => stream.write_all(&answer.body[..end]),
    }
}
