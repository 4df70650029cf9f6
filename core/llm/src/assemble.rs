//! From token bytes to text: whole characters only, and stop strings cut out even when they span tokens.

/// Collects the bytes of tokens; gives out text that can no longer change.
#[derive(Debug, Default, Clone)]
pub(crate) struct Assembler {
    /// The start of a character whose other bytes are still to come: at most three bytes.
    bytes: Vec<u8>,
    /// Text that may turn out to be the start of a stop string.
    held: String,
    stops: Vec<String>,
    /// All text given out.
    pub(crate) text: String,
}

/// What a push brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pushed {
    /// New text, perhaps empty.
    pub(crate) text: String,
    /// A stop string was completed: generation is over.
    pub(crate) stopped: bool,
}

impl Assembler {
    pub(crate) fn new(stops: &[String]) -> Self {
        Self { stops: stops.iter().filter(|s| !s.is_empty()).cloned().collect(), ..Self::default() }
    }

    pub(crate) fn push(&mut self, piece: &[u8]) -> Pushed {
        self.bytes.extend_from_slice(piece);
        self.decode(false);
        let stop = self.stops.iter().filter_map(|s| self.held.find(s.as_str())).min();
        if let Some(at) = stop {
            self.held.truncate(at);
            return Pushed { text: self.release(0), stopped: true };
        }
        let keep = self.stops.iter().map(|s| overlap(&self.held, s)).max().unwrap_or(0);
        Pushed { text: self.release(keep), stopped: false }
    }

    /// The rest, when generation ended for another reason than a stop string.
    pub(crate) fn finish(&mut self) -> String {
        self.decode(true);
        self.release(0)
    }

    fn release(&mut self, keep: usize) -> String {
        let rest = self.held.split_off(self.held.len() - keep);
        let out = std::mem::replace(&mut self.held, rest);
        self.text.push_str(&out);
        out
    }

    /// Moves complete characters from `bytes` to `held`; impossible bytes become U+FFFD.
    fn decode(&mut self, last: bool) {
        let bytes = std::mem::take(&mut self.bytes);
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            self.held.push_str(chunk.valid());
            let bad = chunk.invalid();
            if bad.is_empty() {
                continue;
            }
            let at_end = chunks.peek().is_none();
            if at_end && !last && may_continue(bad) {
                self.bytes = bad.to_vec();
            } else {
                self.held.push('\u{fffd}');
            }
        }
    }
}

/// Whether `bad`, found at the very end, is the start of a character. `utf8_chunks` gives the longest such start.
fn may_continue(bad: &[u8]) -> bool {
    matches!(std::str::from_utf8(bad), Err(e) if e.error_len().is_none())
}

/// Length of the longest end of `text` that begins `stop` and is shorter than it.
fn overlap(text: &str, stop: &str) -> usize {
    let longest = text.len().min(stop.len().saturating_sub(1));
    (1..=longest)
        .rev()
        .find(|n| stop.is_char_boundary(*n) && stop.get(..*n).is_some_and(|start| text.ends_with(start)))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(pieces: &[&[u8]], stops: &[&str]) -> (String, String, bool) {
        let stops: Vec<String> = stops.iter().map(|s| (*s).to_owned()).collect();
        let mut a = Assembler::new(&stops);
        let mut streamed = String::new();
        for p in pieces {
            let pushed = a.push(p);
            streamed += &pushed.text;
            if pushed.stopped {
                return (streamed, a.text, true);
            }
        }
        streamed += &a.finish();
        (streamed, a.text, false)
    }

    #[test]
    fn a_character_over_three_tokens() {
        assert_eq!(run(&[b"a\xf0", b"\x9f\x99", b"\x82b"], &[]).0, "a🙂b");
    }

    #[test]
    fn a_broken_character_is_replaced_and_nothing_is_lost() {
        assert_eq!(run(&[b"a\xf0\x9f", b"b"], &[]).0, "a\u{fffd}b");
        assert_eq!(run(&[b"a\xf0\x9f"], &[]).0, "a\u{fffd}");
        assert_eq!(run(&[b"\xff\xfe", b"ok"], &[]).0, "\u{fffd}\u{fffd}ok");
    }

    #[test]
    fn a_stop_string_over_tokens_is_never_shown() {
        assert_eq!(
            run(&[b"Hola\n", b"\nEng", b"lish"], &["\n\nEnglish"]),
            ("Hola".into(), "Hola".into(), true)
        );
        assert_eq!(run(&[b"Hola\n", b"\nEng", b"land"], &["\n\nEnglish"]).0, "Hola\n\nEngland");
    }

    #[test]
    fn the_earliest_stop_wins() {
        assert_eq!(run(&[b"abcdef"], &["de", "bc"]).0, "a");
    }

    proptest! {
        #[test]
        fn any_cut_of_any_text_comes_out_whole(text in "\\PC{0,60}", cuts in prop::collection::vec(1usize..5, 1..80)) {
            let mut rest = text.as_bytes();
            let mut pieces: Vec<&[u8]> = Vec::new();
            for c in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (a, b) = rest.split_at((*c).min(rest.len()));
                pieces.push(a);
                rest = b;
            }
            prop_assert_eq!(run(&pieces, &["\u{fdd0}"]).0, text);
        }

        #[test]
        fn the_text_before_the_first_stop(text in "[abc]{0,30}", stop in "[abc]{1,4}") {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            let want = text.split(stop.as_str()).next().unwrap();
            let (streamed, whole, _) = run(&pieces, &[&stop]);
            prop_assert_eq!(&streamed, want);
            prop_assert_eq!(&whole, want);
        }
    }
}
