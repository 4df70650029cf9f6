#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)]

use super::*;

#[track_caller]
fn reasons(source: &str, target: &str, want: &[Reason]) {
    let (en, es) = ("en".parse().unwrap(), "es".parse().unwrap());
    let hypothesis = Hypothesis { text: target.into(), ..Hypothesis::default() };
    assert_eq!(check(source, &hypothesis, &en, &es), want, "{source} -> {target}");
}

#[test]
fn good_translations_have_no_sign() {
    for (source, target) in [
        ("Take two tablets every 8 hours.", "Tome dos comprimidos cada 8 horas."),
        ("It is impossible to know.", "No se puede saber."),
        ("Do not smoke any more.", "Deje de fumar."),
        ("However, the vaccine is safe.", "Sin embargo, la vacuna es segura."),
        ("Why don't we go to the beach?", "¿Vamos a la playa?"),
        ("A hundred people came on foot.", "Vinieron 100 personas a pie."),
        ("He never said anything to anybody.", "Nunca le dijo nada a nadie."),
        ("It weighs 5 mg at most today.", "Hoy pesa como mucho 5 miligramos."),
    ] {
        reasons(source, target, &[]);
    }
}

#[test]
fn faults_are_seen() {
    reasons("Do not take this medicine.", "Tome este medicamento.", &[Reason::Negation]);
    reasons("Take the medicine with water.", "No tome el medicamento con agua.", &[Reason::Negation]);
    reasons("Do not inject the insulin yet.", "Inyecte ya una dosis de insulina.", &[Reason::Negation]);
    reasons("You do not need a prescription.", "Le hace falta una receta.", &[Reason::Negation]);
    reasons("Take five drops of it.", "Tome 50 gotas de ello.", &[Reason::Numbers]);
    reasons("Take seven drops of it.", "Tome diecisiete gotas de ello.", &[Reason::Numbers]);
    reasons("Take 5 mg of it now.", "Tome 5 g de ello ahora.", &[Reason::Numbers]);
    reasons("The doctor is coming soon today.", "...", &[Reason::Empty]);
    reasons(
        "The doctor is coming soon today.",
        "The doctor is coming soon today.",
        &[Reason::Copied, Reason::WrongLanguage],
    );
    reasons("Oh oh, that hurts.", "Ay ay ay ay ay ay, eso duele.", &[Reason::Repetition]);
    reasons("That is a very long o.", "Esa es una ooooooooooo muy larga.", &[Reason::Repetition]);
    reasons(
        "She went home early.",
        "Ella volvió a casa temprano porque tenía que preparar la cena para toda la familia y además estaba cansada.",
        &[Reason::Length],
    );
    reasons("Good", "Bien", &[Reason::Short]);
}

#[test]
fn french_denies_in_two_words_or_not_at_all() {
    let (fr, en) = ("fr".parse().unwrap(), "en".parse().unwrap());
    for (source, target, denies) in [
        ("Ne prenez que deux comprimés.", "Take two tablets at most.", false),
        ("Je ne bois plus que de l'eau.", "I drink water alone now.", false),
        ("N'importe qui peut le faire.", "Anyone can do it.", false),
        ("C'est une personne aimable.", "She is a kind person.", false),
        ("Il fit un pas en avant.", "He took a step forward.", false),
        ("Ne prenez pas ce médicament.", "Take this medicine.", true),
        ("Je n'ai plus d'insuline.", "I have insulin.", true),
        ("Je crois que je ne peux plus respirer.", "I think I can breathe.", true),
        ("Personne n'est blessé.", "Someone is hurt.", true),
        ("J'ai pas pris le médicament.", "I took the medicine.", true),
    ] {
        let hypothesis = Hypothesis { text: target.into(), ..Hypothesis::default() };
        let found = check(source, &hypothesis, &fr, &en).contains(&Reason::Negation);
        assert_eq!(found, denies, "{source} -> {target}");
    }
}

#[test]
fn signs_from_inside_the_engine() {
    let (en, es) = ("en".parse().unwrap(), "es".parse().unwrap());
    let hypothesis = Hypothesis {
        text: "El gato duerme en la silla.".into(),
        mean_log_prob: Some(-2.0),
        coverage: Some(0.2),
        truncated: true,
        ..Hypothesis::default()
    };
    let found = check("The cat sleeps on the chair.", &hypothesis, &en, &es);
    assert_eq!(found, [Reason::Unsure, Reason::Uncovered, Reason::Truncated]);
}

#[test]
fn another_opinion_makes_it_hesitant() {
    let (en, es) = ("en".parse().unwrap(), "es".parse().unwrap());
    let hypothesis =
        Hypothesis { text: "El gato duerme en la silla.".into(), disputed: true, ..Hypothesis::default() };
    assert_eq!(check("The cat sleeps on the chair.", &hypothesis, &en, &es), [Reason::Hesitant]);
}
