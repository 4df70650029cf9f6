//! A line of plain words into entries: "slept badly, 2 coffees, 80.5 kg". English, Spanish, French, Portuguese.
//!
//! By rules, on the device. A clause either gives an entry, or a question where two readings are possible, or stays a
//! note in the user's own words: nothing is guessed and nothing is lost. Languages may be mixed.

mod words;

use serde::Serialize;

use crate::metric::Metric;
use words::{Meaning, NEGATIONS, NUMBERS, UNITS, WORDS};

/// What a clause says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// A value of a metric, in its unit.
    Value {
        /// Which metric.
        metric: Metric,
        /// In the metric's unit.
        value: f64,
    },
    /// Something that happened (`drink.coffee` 2, `symptom.headache` 1, `sleep.quality` 1 to 5); 0 means it did not.
    Event {
        /// Kind, as in [`crate::store::Event`].
        kind: &'static str,
        /// Number, severity or amount, as the kind defines it.
        value: f64,
    },
    /// A mood.
    Mood {
        /// -1 to 1.
        valence: f64,
        /// Word for it.
        label: &'static str,
    },
    /// Words that are no entry.
    Note,
}

/// Why the parser asks back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// A number of what?
    WhatIsIt,
    /// How much is one (a glass, a bottle)?
    HowMuch,
    /// The number cannot be real for what it seems to be, or could be read in two ways.
    WhichNumber,
    /// More than one number or thing in a clause.
    TooMuchAtOnce,
}

/// A clause with its reading.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Clause {
    /// The user's words.
    pub text: String,
    /// What they say, or what to ask.
    pub reading: Result<Vec<Item>, Doubt>,
}

/// Longest text that is read; a log line is not a document.
const MAX_CHARS: usize = 2000;

/// Reads a line.
///
/// ```
/// use cuba_health::{log::quick::{Item, parse}, metric::Metric};
/// let clauses = parse("dormí mal, 2 cafés y 80,5 kg");
/// assert_eq!(clauses[0].reading, Ok(vec![Item::Event { kind: "sleep.quality", value: 2.0 }]));
/// assert_eq!(clauses[2].reading, Ok(vec![Item::Value { metric: Metric::Weight, value: 80.5 }]));
/// ```
pub fn parse(text: &str) -> Vec<Clause> {
    let text: String = text.chars().take(MAX_CHARS).collect();
    split(&text).into_iter().map(|text| Clause { reading: read(&text), text }).collect()
}

/// Clauses end at commas (not within a number), semicolons, line ends, full stops before a space, and "and".
fn split(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let digit = |i: Option<usize>| i.and_then(|i| chars.get(i)).is_some_and(char::is_ascii_digit);
    let mut out = vec![String::new()];
    for (i, &c) in chars.iter().enumerate() {
        let inside_number = digit(i.checked_sub(1)) && digit(Some(i + 1));
        let ends = match c {
            ',' => !inside_number,
            ';' | '\n' | '!' | '+' => true,
            '.' => chars.get(i + 1).is_none_or(|n| n.is_whitespace()),
            _ => false,
        };
        if ends {
            out.push(String::new());
        } else if let Some(last) = out.last_mut() {
            last.push(c);
        }
    }
    let mut clauses = Vec::new();
    for part in out {
        let mut clause = String::new();
        for word in part.split_whitespace() {
            if matches!(fold(word).as_str(), "and" | "y" | "et" | "e" | "&") {
                clauses.push(std::mem::take(&mut clause));
            } else {
                if !clause.is_empty() {
                    clause.push(' ');
                }
                clause.push_str(word);
            }
        }
        clauses.push(clause);
    }
    clauses.retain(|c| !c.is_empty());
    clauses
}

/// Lower case without accents.
fn fold(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            'á' | 'à' | 'â' | 'ã' | 'ä' | 'å' => 'a',
            'é' | 'è' | 'ê' | 'ë' => 'e',
            'í' | 'ì' | 'î' | 'ï' => 'i',
            'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
            'ú' | 'ù' | 'û' | 'ü' => 'u',
            'ñ' => 'n',
            'ç' => 'c',
            '\u{2019}' => '\'',
            other => other,
        })
        .collect()
}

/// A number as written: the plain reading, and the one with the separator taken for thousands.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Number {
    plain: f64,
    thousands: Option<f64>,
}

enum Token {
    Number(Number),
    /// Two numbers with a slash: blood pressure.
    Pair(f64, f64),
    Word(String),
}

/// "80.5kg" is a number and a word; "120/80" is a pair; "7h30" stays a word with its number.
fn tokens(clause: &str) -> Vec<Token> {
    let mut out = Vec::new();
    // French tea would lose its accent and become an English article.
    let clause = clause.to_lowercase().replace("thé", "tea");
    for piece in
        fold(&clause).split(|c: char| c.is_whitespace() || matches!(c, ':' | '(' | ')' | '"' | '?' | '='))
    {
        let len = piece.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '/')).count();
        // Only ASCII was counted: characters are bytes here.
        let (digits, rest) = piece.split_at_checked(len).unwrap_or(("", piece));
        let digits = digits.trim_end_matches(['.', ',', '/']);
        if let Some((a, b)) = digits.split_once('/') {
            if let (Ok(a), Ok(b)) = (a.replace(',', ".").parse(), b.replace(',', ".").parse()) {
                out.push(Token::Pair(a, b));
            }
        } else if let Some(number) = number(digits) {
            out.push(Token::Number(number));
        }
        let word = rest.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '%' | '°'));
        if !word.is_empty() {
            match NUMBERS.iter().find(|n| n.0 == word) {
                Some((_, v)) => out.push(Token::Number(Number { plain: *v, thousands: None })),
                None => out.push(Token::Word(word.to_owned())),
            }
        }
    }
    out
}

fn number(digits: &str) -> Option<Number> {
    let plain: f64 = match digits.matches(['.', ',']).count() {
        0 => return digits.parse().ok().map(|plain| Number { plain, thousands: None }),
        1 => digits.replace(',', ".").parse().ok()?,
        _ => {
            // 1.234.567 or 1,234.5: the last separator counts as decimal unless three digits follow it.
            let whole: String = digits.chars().filter(char::is_ascii_digit).collect();
            return whole.parse().ok().map(|plain| Number { plain, thousands: None });
        }
    };
    let (whole, after) = digits.split_once(['.', ','])?;
    let grouped = after.len() == 3 && !whole.starts_with('0') && whole.len() <= 3;
    let thousands = if grouped { format!("{whole}{after}").parse().ok() } else { None };
    Some(Number { plain, thousands })
}

impl Number {
    /// The reading that can be real for a metric; a doubt if neither or both can.
    fn for_metric(self, metric: Metric, convert: impl Fn(f64) -> Option<f64>) -> Result<f64, Doubt> {
        // What is counted has no decimals: "10.000 steps" are ten thousand.
        let counts = metric.info().unit == crate::metric::Unit::Count && self.thousands.is_some();
        let real = |v: Option<f64>| v.and_then(&convert).filter(|v| metric.accepts(*v));
        let plain = if counts { None } else { real(Some(self.plain)) };
        match (plain, real(self.thousands)) {
            (Some(v), None) | (None, Some(v)) => Ok(v),
            _ => Err(Doubt::WhichNumber),
        }
    }
}

fn read(clause: &str) -> Result<Vec<Item>, Doubt> {
    let tokens = tokens(clause);
    let words: Vec<&str> =
        tokens.iter().filter_map(|t| if let Token::Word(w) = t { Some(w.as_str()) } else { None }).collect();
    let numbers: Vec<Number> =
        tokens.iter().filter_map(|t| if let Token::Number(n) = t { Some(*n) } else { None }).collect();
    let pairs: Vec<(f64, f64)> =
        tokens.iter().filter_map(|t| if let Token::Pair(a, b) = t { Some((*a, *b)) } else { None }).collect();
    if let Some(&(high, low)) = pairs.first() {
        return pressure(high, low, pairs.len() + numbers.len());
    }
    let mut meanings: Vec<Meaning> = Vec::new();
    for (i, word) in words.iter().enumerate() {
        let two = words.get(i + 1).map(|next| format!("{word} {next}"));
        let found = WORDS
            .iter()
            .find(|w| two.as_deref() == Some(w.0))
            .or_else(|| WORDS.iter().find(|w| w.0 == *word));
        if let Some((_, meaning)) = found
            && !meanings.contains(meaning)
        {
            meanings.push(*meaning);
        }
    }
    let unit = words.iter().find_map(|w| UNITS.iter().find(|u| u.0 == *w));
    // French "pas" is a step after a number and a negation otherwise.
    let negated = words.iter().any(|w| (numbers.is_empty() || *w != "pas") && NEGATIONS.contains(w));
    let quality = meanings.iter().find_map(|m| if let Meaning::Quality(q) = m { Some(*q) } else { None });
    meanings.retain(|m| !matches!(m, Meaning::Quality(_)));
    if numbers.len() > 1 && !meanings.contains(&Meaning::Sleep) {
        return Err(Doubt::TooMuchAtOnce);
    }
    match (meanings.as_slice(), numbers.first().copied()) {
        ([Meaning::Sleep], _) => sleep(quality, negated, &numbers, unit.map(|u| u.1)),
        ([], Some(n)) => match unit {
            Some((_, unit, Some(metric))) => value(*metric, n, unit),
            _ => Err(Doubt::WhatIsIt),
        },
        ([Meaning::Metric(metric)], Some(n)) => value(*metric, n, unit.map_or("", |u| u.1)),
        ([Meaning::Metric(metric)], None) if negated && metric.accepts(0.0) => {
            Ok(vec![Item::Value { metric: *metric, value: 0.0 }])
        }
        ([Meaning::Count(metric)], n) => count(n, negated, |value| Item::Value { metric: *metric, value }),
        ([Meaning::Event(kind)], n) => count(n, negated, |value| Item::Event { kind, value }),
        ([Meaning::Fever], Some(n)) => {
            value(Metric::BodyTemperature, n, unit.map_or("", |u| u.1)).map(|mut items| {
                items.push(Item::Event { kind: "symptom.fever", value: 1.0 });
                items
            })
        }
        ([Meaning::Fever], None) => {
            Ok(vec![Item::Event { kind: "symptom.fever", value: f64::from(u8::from(!negated)) }])
        }
        ([Meaning::Activity(kind)], n) => activity(kind, n, unit.map(|u| u.1), negated),
        ([Meaning::Mood(valence, label)], None) if !negated => {
            Ok(vec![Item::Mood { valence: *valence, label }])
        }
        ([] | [Meaning::Mood(..) | Meaning::Metric(_)], None) => Ok(vec![Item::Note]),
        ([Meaning::Water], n) => water(n, unit.map(|u| u.1), &words),
        _ if numbers.is_empty()
            && meanings.iter().all(|m| matches!(m, Meaning::Mood(..) | Meaning::Event(_)))
            && !negated =>
        {
            Ok(meanings
                .iter()
                .filter_map(|m| match m {
                    Meaning::Mood(valence, label) => Some(Item::Mood { valence: *valence, label }),
                    Meaning::Event(kind) => Some(Item::Event { kind, value: 1.0 }),
                    _ => None,
                })
                .collect())
        }
        _ => Err(Doubt::TooMuchAtOnce),
    }
}

fn pressure(high: f64, low: f64, numbers: usize) -> Result<Vec<Item>, Doubt> {
    if numbers > 1 {
        return Err(Doubt::TooMuchAtOnce);
    }
    // "12/8" in some countries means 120/80: ask rather than multiply.
    let real = Metric::BloodPressureSystolic.accepts(high)
        && Metric::BloodPressureDiastolic.accepts(low)
        && low < high;
    if !real {
        return Err(Doubt::WhichNumber);
    }
    Ok(vec![
        Item::Value { metric: Metric::BloodPressureSystolic, value: high },
        Item::Value { metric: Metric::BloodPressureDiastolic, value: low },
    ])
}

fn value(metric: Metric, n: Number, unit: &str) -> Result<Vec<Item>, Doubt> {
    let info = metric.info();
    let value = if unit.is_empty() {
        // Without a unit only what the metric's own unit makes likely: 175 may be pounds.
        let likely = match metric {
            Metric::Weight => 30.0..=150.0,
            Metric::BodyTemperature => 34.0..=42.0,
            Metric::BloodGlucose => 2.0..=30.0,
            _ => info.plausible.0..=info.plausible.1,
        };
        n.for_metric(metric, |v| likely.contains(&v).then_some(v))?
    } else {
        n.for_metric(metric, |v| info.unit.convert(v, unit))?
    };
    Ok(vec![Item::Value { metric, value }])
}

/// "coffee" is one, "no coffee" none, "2 coffees" two.
fn count(n: Option<Number>, negated: bool, item: impl Fn(f64) -> Item) -> Result<Vec<Item>, Doubt> {
    match (n, negated) {
        (Some(Number { plain, .. }), false) if plain <= 100.0 => Ok(vec![item(plain)]),
        (Some(_), _) => Err(Doubt::WhichNumber),
        (None, negated) => Ok(vec![item(f64::from(u8::from(!negated)))]),
    }
}

fn sleep(
    quality: Option<f64>,
    negated: bool,
    numbers: &[Number],
    unit: Option<&str>,
) -> Result<Vec<Item>, Doubt> {
    let mut out = Vec::new();
    if let Some(quality) = quality {
        // "not well" is badly; "not badly" is fair, not good.
        let value = match (negated, quality > 3.0) {
            (false, _) => quality,
            (true, true) => 2.0,
            (true, false) => 3.0,
        };
        out.push(Item::Event { kind: "sleep.quality", value });
    }
    let hours = match (numbers, unit) {
        ([], _) => None,
        ([h], Some("h") | None) => Some(h.plain),
        ([m], Some("min")) => Some(m.plain / 60.0),
        ([h, m], Some("h" | "min")) if m.plain < 60.0 && h.plain.fract() == 0.0 => {
            Some(h.plain + m.plain / 60.0)
        }
        _ => return Err(Doubt::TooMuchAtOnce),
    };
    match hours {
        Some(h) if h > 0.0 && h <= 24.0 => out.push(Item::Event { kind: "sleep.hours", value: h }),
        Some(_) => return Err(Doubt::WhichNumber),
        None => {}
    }
    if out.is_empty() { Ok(vec![Item::Note]) } else { Ok(out) }
}

fn activity(
    kind: &'static str,
    n: Option<Number>,
    unit: Option<&str>,
    negated: bool,
) -> Result<Vec<Item>, Doubt> {
    let Some(n) = n else {
        return Ok(vec![Item::Event { kind, value: f64::from(u8::from(!negated)) }]);
    };
    let mut items = vec![Item::Event { kind, value: 1.0 }];
    match unit {
        Some("h") => items.push(Item::Event { kind: "activity.minutes", value: n.plain * 60.0 }),
        Some("min") => items.push(Item::Event { kind: "activity.minutes", value: n.plain }),
        Some(unit @ ("km" | "m" | "mi")) => {
            let metres = crate::metric::Unit::Metre.convert(n.plain, unit).ok_or(Doubt::WhichNumber)?;
            items.push(Item::Event { kind: "activity.metres", value: metres });
        }
        _ => return Err(Doubt::WhatIsIt),
    }
    Ok(items)
}

fn water(n: Option<Number>, unit: Option<&str>, words: &[&str]) -> Result<Vec<Item>, Doubt> {
    let vessel = words.iter().any(|w| words::VESSELS.contains(w));
    match (n, unit) {
        (Some(n), Some(unit @ ("mL" | "L" | "fl_oz_us"))) if !vessel => value(Metric::Water, n, unit),
        _ => Err(Doubt::HowMuch),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_in_four_languages() {
        let lines = [
            "slept badly, 2 coffees, 80.5 kg",
            "dormí mal, dos cafés y 80,5 kg",
            "mal dormi, 2 cafés et 80,5 kg",
            "dormi mal, dois cafés e 80,5 kg",
            "Slept 7.5 hours. No coffee; bp 120/80; pulse 62",
            "no dormí bien, sin alcohol, tensión 118/76, 10.000 pasos",
            "pas bien dormi, pas de café, 8000 pas, fièvre 38,2",
            "não dormi bem, sem café, peso 71, dor de cabeça",
            "headache and tired, ran 5 km, walked 30 min, 3 beers",
            "500 ml water, 2 glasses of water, 1,5 L agua",
            "12/8, 80.5, 1.234 kg, 300 kg 20, glucose 98 mg/dl, 177 lbs",
            "met an old friend, happy, stressed at work",
            "98.6 F, temperature 37.1, 5.4 mmol/L, smoked 3 cigarettes",
            "",
        ];
        let read: Vec<_> = lines.iter().map(|l| (l, parse(l))).collect();
        insta::assert_json_snapshot!(read);
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_no_word_is_lost(text in "\\PC{0,120}") {
            let clauses = parse(&text);
            let kept: String = clauses.iter().flat_map(|c| c.text.chars()).filter(|c| c.is_alphanumeric()).collect();
            let words: String = text
                .split(|c: char| c.is_whitespace())
                .filter(|w| !matches!(fold(w).as_str(), "y" | "e" | "et" | "and"))
                .flat_map(str::chars)
                .filter(|c| c.is_alphanumeric())
                .collect();
            prop_assert!(kept.len() + 4 >= words.len() || kept == words || text.contains([',', ';', '.', '!', '+']));
            for item in clauses.iter().filter_map(|c| c.reading.as_ref().ok()).flatten() {
                if let Item::Value { metric, value } = item {
                    prop_assert!(metric.accepts(*value));
                }
            }
        }
    }
}
