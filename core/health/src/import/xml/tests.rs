use super::*;
use proptest::prelude::*;
use std::fmt::Write as _;

/// Hands out a few bytes at a time, so that every node is cut once.
struct Dripping<'a>(&'a [u8], usize);

impl Read for Dripping<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.1.min(buf.len()).min(self.0.len());
        buf[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

fn ours(document: &[u8]) -> Vec<String> {
    let mut xml = Xml::with_text(Dripping(document, 7));
    let mut out = Vec::new();
    let mut text = String::new();
    let flush = |text: &mut String, out: &mut Vec<String>| {
        if !text.is_empty() {
            out.push(format!("text {:?}", std::mem::take(text)));
        }
    };
    while let Some(node) = xml.next().unwrap() {
        match node {
            Node::Text(raw) => text.push_str(&unescape(raw)),
            Node::Cdata(raw) => text.push_str(std::str::from_utf8(raw).unwrap()),
            Node::Open(tag) => {
                flush(&mut text, &mut out);
                let mut line = format!("open {}", unescape(tag.name));
                for (name, value) in tag.attributes() {
                    write!(line, " {}={:?}", unescape(name), unescape(value)).unwrap();
                }
                out.push(line);
                if tag.empty {
                    out.push(format!("close {}", unescape(tag.name)));
                }
            }
            Node::Close(name) => {
                flush(&mut text, &mut out);
                out.push(format!("close {}", unescape(name)));
            }
            Node::Broken => {
                flush(&mut text, &mut out);
                out.push("broken".to_owned());
            }
        }
    }
    flush(&mut text, &mut out);
    out
}

fn oracle(document: &str) -> Vec<String> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(document);
    reader.config_mut().expand_empty_elements = true;
    let mut out = Vec::new();
    let mut text = String::new();
    loop {
        let event = reader.read_event().unwrap();
        match &event {
            Event::Text(t) => text.push_str(t),
            Event::CData(t) => text.push_str(t),
            Event::GeneralRef(r) => {
                let entity = format!("&{};", &**r);
                text.push_str(&unescape(entity.as_bytes()));
            }
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) | Event::DocType(_) => {}
            _ => {
                if !text.is_empty() {
                    out.push(format!("text {:?}", std::mem::take(&mut text)));
                }
            }
        }
        match event {
            Event::Start(tag) => {
                let mut line = format!("open {}", tag.name().as_ref());
                for a in tag.attributes() {
                    let a = a.unwrap();
                    let value = unescape(a.value.as_bytes()).into_owned();
                    write!(line, " {}={:?}", a.key.as_ref(), value).unwrap();
                }
                out.push(line);
            }
            Event::End(tag) => {
                out.push(format!("close {}", tag.name().as_ref()));
            }
            Event::Eof => return out,
            _ => {}
        }
    }
}

fn element() -> impl Strategy<Value = String> {
    let name = "[A-Za-z][A-Za-z0-9:_.-]{0,8}";
    let value = prop_oneof![
        "[ -~]{0,20}".prop_map(|v| v.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")),
        Just("Anna\u{2019}s Apple\u{a0}Watch".to_owned()),
        Just("&lt;&lt;HKDevice: 0x28&gt;, name:x&#10;&#x41;&gt;".to_owned()),
        Just("a > b / c".to_owned())
    ];
    let attributes = proptest::collection::btree_map("[a-z]{1,6}", value, 0..4);
    let tag = (name, attributes, prop_oneof![Just(""), Just(" "), Just("\n ")]).prop_map(|(n, a, s)| {
        let a = a.iter().fold(String::new(), |mut all, (k, v)| {
            write!(all, " {k}{s}={s}\"{v}\"").unwrap();
            all
        });
        (n, format!("{a}{s}"))
    });
    let leaf = prop_oneof![
        tag.clone().prop_map(|(n, a)| format!("<{n}{a}/>")),
        "[a-zA-Z0-9 .,>]{0,20}",
        Just("1 &lt; 2 &amp; 3".to_owned()),
        Just("<!-- <a> -- -->".replace(" -- -->", " -->")),
        Just("<?pi a?>".to_owned()),
        Just("<![CDATA[<raw> & ]]>".to_owned()),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        (tag.clone(), proptest::collection::vec(inner, 0..5))
            .prop_map(|((n, a), children)| format!("<{n}{a}>{}</{n}>", children.concat()))
    })
}

proptest! {
    #[test]
    fn it_agrees_with_quick_xml(body in element()) {
        let document = format!("<?xml version=\"1.0\"?>\n<!DOCTYPE r [\n<!-- <x> ]> -->\n<!ELEMENT r ANY>\n]>\n<r>{body}</r>");
        prop_assert_eq!(ours(document.as_bytes()), oracle(&document));
    }

    #[test]
    fn any_bytes_end(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'<'), Just(b'"'), Just(b'>'), Just(b'='), Just(b'a'), Just(b'/'), Just(b'!'), Just(b'[')], 0..300)) {
        ours(&bytes);
    }
}

#[test]
fn a_broken_doctype_ends_at_the_first_element() {
    let document = b"<!DOCTYPE HealthData [\n<!ELEMENT HealthData (a,b*\n<!ATTLIST x CDATA >\n<HealthData locale='en'><a b=\"1\x0B\x00\"/>";
    assert_eq!(
        ours(document),
        ["text \"\"", "open HealthData locale=\"en\"", "open a b=\"1\\u{b}\\0\"", "close a"][1..]
    );
}

#[test]
fn a_tag_that_breaks_off_costs_itself_only() {
    let document = b"<r><a b=\"1\" c=\"<a b=\"2\"/><a b=3/><d e='x' <a b=\"4\"/></r";
    assert_eq!(
        ours(document),
        [
            "open r",
            "broken",
            "open a b=\"2\"",
            "close a",
            "broken",
            "broken",
            "open a b=\"4\"",
            "close a",
            "broken"
        ]
    );
}

#[test]
fn a_tag_without_end_is_given_up() {
    let mut document = b"<r a=\"".to_vec();
    document.resize(3 << 20, b'x');
    document.extend_from_slice(b"\"/><b/>");
    let found = ours_fast(&document);
    assert_eq!(found.last().map(String::as_str), Some("b"));
    assert!(found.iter().filter(|f| *f == "broken").count() >= 1);
}

fn ours_fast(document: &[u8]) -> Vec<String> {
    let mut xml = Xml::new(document);
    let mut out = Vec::new();
    while let Some(node) = xml.next().unwrap() {
        match node {
            Node::Open(tag) => out.push(unescape(tag.name).into_owned()),
            Node::Broken => out.push("broken".to_owned()),
            _ => {}
        }
    }
    out
}
