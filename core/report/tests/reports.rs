//! Whole outputs of an invented person: summaries, charts, the doctor's report in four languages.
#![allow(
    missing_docs,
    clippy::pedantic,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod common;

use common::{empty, pdf_text, person};
use cuba_health::metric::Metric;
use cuba_report::chart::{self, Chart};
use cuba_report::compare::{insights, trends};
use cuba_report::measure::Measure;
use cuba_report::night::nights;
use cuba_report::summary::{Period, summarise};
use cuba_report::{Language, ReportError, doctor};

#[test]
fn a_week_in_words_and_figures() {
    let p = person();
    let week = summarise(&p.store, Period::Week, p.today(), &p.setting).unwrap();
    insta::assert_json_snapshot!(week);
    let day = summarise(&p.store, Period::Day, p.today(), &p.speaking(Language::Es)).unwrap();
    insta::assert_json_snapshot!(day.sentences);
}

#[test]
fn steps_of_two_devices_are_not_added_up() {
    let p = person();
    let day = p.today();
    let week = summarise(&p.store, Period::Day, day, &p.setting).unwrap();
    let steps = week.metrics.iter().find(|m| m.metric == Measure::Metric(Metric::Steps)).unwrap();
    let merged: f64 = p.store.merged_day(Metric::Steps, day).unwrap().parts.iter().map(|x| x.value).sum();
    let all: f64 = p
        .store
        .sources()
        .unwrap()
        .iter()
        .flat_map(|s| p.store.samples(Metric::Steps, s.id, day, day).unwrap())
        .map(|s| s.value)
        .sum();
    assert!((steps.total.unwrap() - merged).abs() < 1e-6);
    assert!(merged < all * 0.8);
}

#[test]
fn pictures_of_every_kind() {
    let p = person();
    let to = p.today();
    let of = |measure, days: i32| chart::of(&p.store, measure, to.plus(1 - days), to, Language::En).unwrap();
    let bars = of(Measure::Metric(Metric::Steps), 14);
    assert!(matches!(bars, Chart::Bars(_)));
    insta::assert_snapshot!("steps_svg", bars.draw(Language::En).svg());
    let range = of(Measure::Metric(Metric::HeartRate), 1);
    assert!(matches!(range, Chart::Range(_)));
    insta::assert_json_snapshot!("heart_rate_by_hour", range);
    let line = of(Measure::Metric(Metric::Weight), 62);
    assert!(matches!(line, Chart::Line(_)));
    insta::assert_snapshot!("weight_svg", line.draw(Language::Fr).svg());
    // A longer time is coarser and still shown.
    assert!(of(Measure::Asleep, 100).series().unwrap().points.len() < 20);
    let night = nights(&p.store, to, to, true).unwrap().pop().unwrap();
    insta::assert_snapshot!("hypnogram_svg", chart::of_night(&night, Language::Pt).draw(Language::Pt).svg());
    let habit = p.store.habit("walk").unwrap();
    let entries = p.store.habit_entries(&habit).unwrap();
    let calendar = chart::of_habit(&habit, &entries, to.plus(-41), to);
    insta::assert_snapshot!("calendar_svg", calendar.draw(Language::Es).svg());
    let nothing = chart::of(&p.store, Measure::Metric(Metric::BloodGlucose), to.plus(-5), to, Language::En);
    assert!(matches!(nothing, Err(ReportError::NoData { .. })));
}

#[test]
fn what_is_there_is_found_and_said_with_its_uncertainty() {
    let p = person();
    let trends = trends(&p.store, p.today(), Language::En).unwrap();
    let weight = trends.followed.iter().find(|f| f.measure == Measure::Metric(Metric::Weight)).unwrap();
    assert!(weight.clear, "{}", weight.sentence);
    // 0.02 kg a day were put in.
    let t = weight.trend.unwrap();
    assert!(t.low < -0.14 && -0.14 < t.high, "{t:?}");
    assert!(trends.tested >= 5 && trends.clear < trends.tested);
    insta::assert_snapshot!("trend_svg", chart::of_trend(weight, Language::En).draw(Language::En).svg());

    let told = insights(&p.store, p.today(), Language::En).unwrap();
    let found: Vec<_> =
        told.insights.found.iter().map(|i| (i.habit.as_str(), i.outcome.as_str(), i.lag_days)).collect();
    assert!(found.contains(&("Evening walk <30 min>", "sleep", 0)), "{found:?}");
    let walk = told.insights.found.iter().find(|i| i.outcome == "sleep" && i.lag_days == 0).unwrap();
    assert!(walk.low < 30.0 && 30.0 < walk.high, "{walk:?}");
    assert!(told.tested.contains(&told.insights.pairs_tested.to_string()));
    for language in Language::ALL {
        let told = insights(&p.store, p.today(), language).unwrap();
        assert_eq!(told.sentences.len(), told.insights.found.len());
        assert!(told.sentences.iter().all(|s| !s.contains('{')));
    }
}

#[test]
fn the_report_in_four_languages() {
    let p = person();
    let (from, to) = (p.today().plus(-89), p.today());
    for language in Language::ALL {
        let report = doctor::report(&p.store, from, to, &p.speaking(language)).unwrap();
        let html = report.html();
        insta::assert_snapshot!(format!("report_{}", language.code()), &html);
        assert!(html.contains("&lt;30 min&gt;") && !html.contains("<30"));
        assert!(
            !html.contains("http://")
                || html.matches("http").count()
                    == html.matches("http://www.w3.org/2000/svg").count()
                        + html.matches("http-equiv").count()
        );
        // The same words in the PDF, to be selected and searched, with their accents.
        let pdf = report.pdf();
        assert_eq!(pdf, report.pdf(), "the same report is the same file");
        assert!(pdf.len() < 600_000, "{}", pdf.len());
        let text = pdf_text(&pdf);
        let words = language.words();
        for wanted in
            [words.report.title, words.report.heart, words.sleep.title, "Reloj de Ana", "Ibersán 20 mg"]
        {
            assert!(text.contains(wanted), "{wanted} in {}: {text}", language.code());
        }
    }
}

#[test]
fn nothing_recorded_is_said_and_is_no_fault() {
    let p = empty();
    let summary = summarise(&p.store, Period::Year, p.today(), &p.setting).unwrap();
    assert_eq!(summary.sentences, [Language::En.words().report.nothing]);
    let report = doctor::report(&p.store, p.today().plus(-29), p.today(), &p.setting).unwrap();
    assert!(report.html().contains(Language::En.words().report.nothing));
    assert!(pdf_text(&report.pdf()).contains("Health summary"));
    assert_eq!(insights(&p.store, p.today(), Language::En).unwrap().insights.pairs_tested, 0);
}
