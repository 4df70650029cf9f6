//! Punctuation that small models write wrongly and a rule can set right: Spanish opening marks, spaces at brackets.

use crate::LanguageCode;

/// Sets the marks of a translation of `source` right.
pub(crate) fn mend(source: &str, target: &str, to: &LanguageCode) -> String {
    let mut text = target.to_owned();
    // Only what the source does not have itself: code, emoticons and tables look like this too.
    for (wrong, right) in [("( ", "("), (" )", ")"), ("¿ ", "¿"), ("¡ ", "¡")] {
        if !source.contains(wrong) {
            text = text.replace(wrong, right);
        }
    }
    if to.base() != "fr" {
        for (wrong, right) in [(" ,", ","), (" .", "."), (" ?", "?"), (" !", "!")] {
            if !source.contains(wrong) {
                text = text.replace(wrong, right);
            }
        }
    }
    if to.base() == "es" { opened(&text) } else { text }
}

/// Every question and exclamation of a Spanish text opens with its mark, and only these do.
fn opened(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    // Where the clause that is being read began in `out`, and where its opening mark stands.
    let (mut start, mut mark): (usize, Option<usize>) = (0, None);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '¿' | '¡' => {
                // A second one before anything was closed: the first was too early, unless they stand together.
                if let Some(early) =
                    mark.filter(|m| out.get(*m..).is_some_and(|t| !t.trim_matches(['¿', '¡']).is_empty()))
                {
                    out.remove(early);
                }
                mark = Some(out.len());
                out.push(c);
            }
            '?' | '!' => {
                let word = out.get(start..).is_some_and(|clause| clause.chars().any(char::is_alphabetic));
                if mark.is_none() && word && opens(text, at) {
                    out.insert(beginning(&out, start), if c == '?' { '¿' } else { '¡' });
                }
                out.push(c);
                while let Some((_, next)) = chars.next_if(|(_, c)| matches!(c, '?' | '!')) {
                    out.push(next);
                }
                (start, mark) = (out.len(), None);
            }
            '.' | '…' | ';' | '"' | '“' | '«' | '—' | '\n' => {
                out.push(c);
                let inside =
                    c == '.' && chars.peek().is_some_and(|(_, next)| !next.is_whitespace() && *next != '.');
                if !inside {
                    // A statement that was opened as a question.
                    if let Some(early) = mark.take().filter(|_| matches!(c, '.' | '…')) {
                        out.remove(early);
                    }
                    start = out.len();
                }
            }
            _ => out.push(c),
        }
    }
    out
}

/// Whether the mark at `at` ends something: not one in an address or in brackets of its own.
fn opens(text: &str, at: usize) -> bool {
    let after = text.get(at + 1..).and_then(|t| t.chars().next());
    after.is_none_or(|c| !c.is_alphanumeric() && c != '=')
        && !text.get(..at).unwrap_or_default().ends_with('(')
}

/// Where a clause begins behind its spaces and dashes.
fn beginning(text: &str, start: usize) -> usize {
    let clause = text.get(start..).unwrap_or_default();
    start + clause.len() - clause.trim_start_matches(|c: char| !c.is_alphanumeric()).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spanish(target: &str) -> String {
        mend("", target, &"es".parse().expect("a code"))
    }

    #[test]
    fn questions_open_once_and_where_they_begin() {
        for (target, want) in [
            ("¿Espera... ¿qué?", "Espera... ¿qué?"),
            ("\"Estás seguro?\" preguntó.", "\"¿Estás seguro?\" preguntó."),
            ("Hola. Cómo estás?", "Hola. ¿Cómo estás?"),
            ("¿Cómo estás?", "¿Cómo estás?"),
            ("¡Hola! ¿Qué tal?", "¡Hola! ¿Qué tal?"),
            ("Ayuda!!!", "¡Ayuda!!!"),
            ("¿¡Qué!?", "¿¡Qué!?"),
            ("Son las 3.5 horas, verdad?", "¿Son las 3.5 horas, verdad?"),
            ("Es bueno, ¿verdad?", "Es bueno, ¿verdad?"),
            ("¿Dónde está la farmacia.", "Dónde está la farmacia."),
            ("Vea https://a.org/?id=5 hoy.", "Vea https://a.org/?id=5 hoy."),
            ("(?)", "(?)"),
        ] {
            assert_eq!(spanish(target), want);
            assert_eq!(spanish(want), want, "done once, nothing is left to do");
        }
    }

    #[test]
    fn spaces_at_brackets_and_marks() {
        assert_eq!(spanish("El autobús ( línea 42 ) para aquí ."), "El autobús (línea 42) para aquí.");
        assert_eq!(mend("a ( b )", "c ( d )", &"es".parse().expect("a code")), "c ( d )");
        assert_eq!(mend("", "Vraiment ?", &"fr".parse().expect("a code")), "Vraiment ?");
    }
}
