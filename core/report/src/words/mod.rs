//! The table of words that each language fills. One struct, so that a language that lacks a word does not compile.
//!
//! Wording is about wellness: what was recorded and how it compares with the person's own usual; no disease, no
//! threshold, no advice, and two things that go together are never said to bring each other about.

pub(crate) mod en;
pub(crate) mod es;
pub(crate) mod fr;
pub(crate) mod pt;

use cuba_health::metric::Metric;

/// Everything a report, a card or a summary says, in one language. `{x}` are filled by [`fill`].
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are named after what they say")]
pub struct Words {
    pub months: [&'static str; 12],
    pub short_months: [&'static str; 12],
    pub weekdays: [&'static str; 7],
    pub metrics: &'static [(Metric, &'static str)],
    pub events: &'static [(&'static str, &'static str)],
    pub report: Report,
    pub sleep: Sleep,
    pub compare: Compare,
    pub card: Card,
    pub log: Log,
}

/// Headings and notes of summaries and the doctor's report.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are named after what they say")]
pub struct Report {
    pub title: &'static str,
    pub name: &'static str,
    pub born: &'static str,
    pub period: &'static str,
    pub made: &'static str,
    pub sources: &'static str,
    pub about: &'static str,
    pub overview: &'static str,
    pub heart: &'static str,
    pub activity: &'static str,
    pub body: &'static str,
    pub medication: &'static str,
    pub habits: &'static str,
    pub mood_and_notes: &'static str,
    pub measure: &'static str,
    pub average: &'static str,
    pub a_day: &'static str,
    pub range: &'static str,
    pub days: &'static str,
    pub total: &'static str,
    pub before: &'static str,
    pub workouts: &'static str,
    pub kind: &'static str,
    pub times: &'static str,
    pub time: &'static str,
    pub taken: &'static str,
    pub skipped: &'static str,
    pub open: &'static str,
    pub when_needed: &'static str,
    pub strength: &'static str,
    pub kept: &'static str,
    pub blood_pressure: &'static str,
    pub readings: &'static str,
    pub baseline: &'static str,
    pub methods: &'static str,
    pub method_lines: &'static [&'static str],
    pub page: &'static str,
    pub nothing: &'static str,
    pub nothing_yet: &'static str,
    /// Day, week, month, year: "against the day before" and so on.
    pub earlier: [&'static str; 4],
    /// `{name}`, `{value}`, `{daily}`.
    pub line_total: &'static str,
    /// `{name}`, `{value}`, `{low}`, `{high}`.
    pub line_average: &'static str,
    /// `{change}`, `{earlier}`.
    pub line_change: &'static str,
}

/// Words about nights.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are named after what they say")]
pub struct Sleep {
    pub title: &'static str,
    pub nights: &'static str,
    pub asleep: &'static str,
    pub in_bed: &'static str,
    pub efficiency: &'static str,
    pub falling_asleep: &'static str,
    pub awake: &'static str,
    pub rem: &'static str,
    pub light: &'static str,
    pub deep: &'static str,
    pub bedtime: &'static str,
    pub wake_up: &'static str,
    pub regularity: &'static str,
    pub social_jet_lag: &'static str,
    pub score: &'static str,
    pub duration: &'static str,
    pub night_heart_rate: &'static str,
    pub lowest_heart_rate: &'static str,
    pub naps: &'static str,
    /// `{bpm}`.
    pub unusual_run: &'static str,
}

/// Words of trends and insights.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are named after what they say")]
pub struct Compare {
    pub trends: &'static str,
    /// `{tested}`, `{clear}`.
    pub trends_tested: &'static str,
    /// `{name}`, `{slope}`, `{low}`, `{high}`, `{days}`.
    pub trend_line: &'static str,
    pub trend_unclear: &'static str,
    pub insights: &'static str,
    /// `{tested}`, `{found}`.
    pub insights_tested: &'static str,
    pub insights_none: &'static str,
    pub insights_too_little: &'static str,
    /// `{habit}`, `{outcome}`, `{effect}`, `{low}`, `{high}`, `{lag}`, `{days}`, `{with}`.
    pub with_habit_higher: &'static str,
    pub with_habit_lower: &'static str,
    pub more_habit_higher: &'static str,
    pub more_habit_lower: &'static str,
    pub lags: [&'static str; 3],
    pub workout: &'static str,
    pub not_enough_days: &'static str,
}

/// Words of the emergency card.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are named after what they say")]
pub struct Card {
    pub title: &'static str,
    pub summary_title: &'static str,
    pub birth_date: &'static str,
    pub sex: &'static str,
    pub female: &'static str,
    pub male: &'static str,
    pub other: &'static str,
    pub blood_type: &'static str,
    pub height: &'static str,
    pub weight: &'static str,
    pub allergies: &'static str,
    pub conditions: &'static str,
    pub medications: &'static str,
    pub contacts: &'static str,
    pub languages: &'static str,
    pub doctor: &'static str,
    pub organ_donor: &'static str,
    pub yes: &'static str,
    pub no: &'static str,
    pub notes: &'static str,
    pub none_known: &'static str,
    pub not_stated: &'static str,
    pub by_the_person: &'static str,
    pub empty: &'static str,
    pub updated: &'static str,
}

/// Questions of the quick log.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are named after what they say")]
pub struct Log {
    pub what_is_it: &'static str,
    pub how_much: &'static str,
    pub which_number: &'static str,
    pub too_much_at_once: &'static str,
    pub stored: &'static str,
    pub note: &'static str,
    pub ask_again: &'static str,
}

impl Words {
    /// Name of a metric; its id without underscores where the table has none.
    pub fn metric(&self, metric: Metric) -> String {
        self.metrics.iter().find(|m| m.0 == metric).map_or_else(|| spaced(metric.id()), |m| m.1.to_owned())
    }

    /// Name of a kind of event or workout; the kind itself without underscores where the table has none.
    pub fn event(&self, kind: &str) -> String {
        self.events
            .iter()
            .find(|e| e.0 == kind)
            .map_or_else(|| spaced(kind.rsplit('.').next().unwrap_or(kind)), |e| e.1.to_owned())
    }
}

fn spaced(id: &str) -> String {
    let text = id.replace('_', " ");
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |c| c.to_uppercase().chain(letters).collect())
}

/// Fills `{name}` in a template. Values are put in once: a value with braces stays as it is.
///
/// ```
/// assert_eq!(cuba_report::fill("{a} of {b}", &[("a", "1"), ("b", "{a}")]), "1 of {a}");
/// ```
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        match after.split_once('}') {
            Some((name, tail)) => {
                match values.iter().find(|v| v.0 == name) {
                    Some((_, value)) => out.push_str(value),
                    None => {
                        out.push('{');
                        out.push_str(name);
                        out.push('}');
                    }
                }
                rest = tail;
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Language;

    /// Words that a wellness app must not say, in the four languages.
    const FORBIDDEN: [&str; 16] = [
        "disease",
        "diagnos",
        "causes",
        "caused",
        "illness",
        "enfermedad",
        "diagnós",
        "causa",
        "maladie",
        "diagnost",
        "provoque",
        "doença",
        "provoca",
        "treat",
        "patholog",
        "apnea",
    ];

    #[test]
    fn no_language_says_more_than_it_may() {
        for language in Language::ALL {
            let text = format!("{:?}", language.words()).to_lowercase();
            for word in FORBIDDEN {
                assert!(!text.contains(word), "{word} in {}", language.code());
            }
        }
    }

    #[test]
    fn every_metric_has_a_name_in_every_language() {
        for language in Language::ALL {
            let named = language.words().metrics;
            let missing: Vec<Metric> = Metric::all().filter(|m| !named.iter().any(|n| n.0 == *m)).collect();
            assert!(missing.is_empty(), "{missing:?} in {}", language.code());
        }
    }

    #[test]
    fn every_language_names_the_same_things_with_the_same_places() {
        let places = |text: &str| {
            let mut found: Vec<String> =
                text.split('{').skip(1).filter_map(|t| t.split_once('}')).map(|t| t.0.to_owned()).collect();
            found.sort();
            found.dedup();
            found
        };
        let of = |l: Language| {
            let w = l.words();
            let mut metrics: Vec<Metric> = w.metrics.iter().map(|m| m.0).collect();
            metrics.sort();
            let mut events: Vec<&str> = w.events.iter().map(|e| e.0).collect();
            events.sort_unstable();
            let templates = [
                w.report.line_total,
                w.report.line_average,
                w.report.line_change,
                w.sleep.unusual_run,
                w.compare.trends_tested,
                w.compare.trend_line,
                w.compare.insights_tested,
                w.compare.with_habit_higher,
                w.compare.with_habit_lower,
                w.compare.more_habit_higher,
                w.compare.more_habit_lower,
            ];
            (metrics, events, templates.map(places), w.report.method_lines.len())
        };
        let english = of(Language::En);
        for language in Language::ALL {
            assert_eq!(of(language), english, "{}", language.code());
        }
    }
}
