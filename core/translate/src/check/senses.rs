//! Words with two senses, where the wrong one misleads: a table of traps between two languages.
//!
//! A small model takes the sense it met most often: `perder el conocimiento` becomes a loss of knowledge, `once a day` the
//! Spanish `once`, eleven. Where the company of a word decides its sense and the translation has the other one, the
//! engine is told the right word, and a translation that still has the wrong one is not to be trusted.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::LanguageCode;

/// The gap of most traps.
const GAP: usize = 2;

/// Forms are separated by a bar, a star stands for any ending.
struct Trap {
    /// The words that together decide the sense, in their order.
    source: &'static [&'static str],
    /// At most so many other words may stand between two of them.
    gap: usize,
    /// Which of them are to become `right`.
    key: Range<usize>,
    /// Words of the other sense.
    wrong: &'static str,
    /// The first is what the engine is told; any of them beside a wrong word shows that the sense was understood.
    right: &'static str,
    /// The words of the other sense cannot stand in such a sentence at all, not even beside the right one.
    strict: bool,
}

/// A word taken in the wrong sense.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Misread {
    /// Where it stands in the source.
    pub(crate) place: Range<usize>,
    /// What it means there.
    pub(crate) right: &'static str,
}

/// The first word of `source` whose other sense stands in `target`.
pub(crate) fn misread(source: &str, target: &str, from: &LanguageCode, to: &LanguageCode) -> Option<Misread> {
    let (_, _, traps) = TRAPS.iter().find(|(a, b, _)| *a == from.base() && *b == to.base())?;
    let (words, target) = (words(source), words(target));
    let there = |forms: &str| target.iter().any(|(_, word)| is_one_of(word, forms));
    traps.iter().find_map(|trap| {
        let found = trap.find(&words)?;
        let right = trap.right.split('|').next().unwrap_or_default();
        let understood = trap.right.split('|').any(|form| match form.rsplit_once(' ') {
            Some((_, last)) => there(last),
            None => there(form),
        });
        (there(trap.wrong) && (trap.strict || !understood)).then_some(Misread { place: found, right })
    })
}

/// Words in lower case with their places; what an apostrophe joins (`l'essence`) is two.
pub(super) fn words(text: &str) -> Vec<(usize, String)> {
    text.unicode_word_indices()
        .flat_map(|(at, word)| {
            let apostrophes = word.match_indices(['\'', '’']).map(|(i, found)| (i, i + found.len()));
            let ends = apostrophes.clone().map(|a| a.0).chain([word.len()]);
            let starts = [0].into_iter().chain(apostrophes.map(|a| a.1));
            starts
                .zip(ends)
                .filter_map(move |(start, end)| Some((at + start, word.get(start..end)?.to_lowercase())))
        })
        .collect()
}

pub(super) fn is_one_of(word: &str, forms: &str) -> bool {
    forms.split('|').any(|form| match form.strip_suffix('*') {
        Some(stem) => word.starts_with(stem),
        None => word == form,
    })
}

impl Trap {
    /// The bytes of the key words, if all words of the trap are there.
    fn find(&self, words: &[(usize, String)]) -> Option<Range<usize>> {
        (0..words.len()).find_map(|start| self.find_from(words, start))
    }

    fn find_from(&self, words: &[(usize, String)], start: usize) -> Option<Range<usize>> {
        let mut at = start;
        let mut places = Vec::with_capacity(self.source.len());
        for (n, forms) in self.source.iter().enumerate() {
            let reach = if n == 0 { 1 } else { self.gap + 1 };
            let ahead = words.get(at..)?.iter().take(reach);
            let skipped = ahead.into_iter().position(|(_, word)| is_one_of(word, forms))?;
            let (byte, word) = words.get(at + skipped)?;
            places.push(*byte..byte + word.len());
            at += skipped + 1;
        }
        let key = places.get(self.key.clone())?;
        Some(key.first()?.start..key.last()?.end)
    }
}

const fn trap(
    source: &'static [&'static str],
    key: Range<usize>,
    wrong: &'static str,
    right: &'static str,
) -> Trap {
    Trap { source, gap: GAP, key, wrong, right, strict: false }
}

/// A trap whose words may stand at the two ends of a phrase.
const fn far_apart(
    source: &'static [&'static str],
    key: Range<usize>,
    wrong: &'static str,
    right: &'static str,
) -> Trap {
    Trap { source, gap: 4, key, wrong, right, strict: false }
}

/// A trap whose words stand side by side: a possessive belongs to the word behind it alone.
const fn side_by_side(
    source: &'static [&'static str],
    key: Range<usize>,
    wrong: &'static str,
    right: &'static str,
) -> Trap {
    Trap { source, gap: 0, key, wrong, right, strict: false }
}

type Traps = &'static [Trap];

#[rustfmt::skip]
const TRAPS: &[(&str, &str, Traps)] = &[
    ("es", "en", &[
        trap(&["seguro", "salir|beber|comer|tomar|usar|viajar|nadar|caminar|conducir|entrar|tocar|ir|estar"], 0..1, "sure", "safe"),
        trap(&["perd*|pierd*|recuper*|recobr*", "conocimiento"], 1..2, "knowledge", "consciousness"),
        trap(&["tensión", "alta|baja|arterial|alto|bajo|descompensada"], 0..1, "tension|voltage|stress|strain", "blood pressure"),
        trap(&["sub*|baj*|med*|mid*|tom*|control*", "tensión"], 1..2, "tension|voltage|stress|strain", "blood pressure"),
        trap(&["pastilla*|medicina*|medicación|medicamento*|problema*", "tensión"], 1..2, "tension|voltage|stress|strain", "blood pressure"),
        trap(&["alta|media|baja", "tensión"], 1..2, "tension", "voltage"),
        trap(&["da*|dé*|dio|di|dieron", "a", "luz"], 1..3, "light*", "birth"),
        trap(&["da*|dé*|dio|dieron|recib*", "alta"], 1..2, "high|tall|registered|upload*", "discharged|discharge"),
        trap(&["embarazad*"], 0..1, "embarrass*", "pregnant"),
        trap(&["constipad*"], 0..1, "constipat*", "cold"),
        trap(&["estreñid*"], 0..1, "narrow*|strict*", "constipated"),
        trap(&["intoxicación"], 0..1, "intoxication", "poisoning"),
        trap(&["dolor*|retras*|tengo|tiene|baj*|última", "regla"], 1..2, "rule*", "period"),
        trap(&["torc*|torcí|romp*|roto|duel*|dolor*|fractur*|esguince|dobl*|hinchad*", "muñeca"], 1..2, "doll*", "wrist"),
        trap(&["dormid*", "pierna*|brazo*|mano*|dedo*|pie|pies|cara"], 0..1, "slept|sleep*", "numb|asleep"),
        side_by_side(&["al|hacia", "este"], 1..2, "this", "east"),
        trap(&["bulto"], 0..1, "package*|parcel*|bundle*", "lump"),
        trap(&["receta", "médic*|doctor*|farmacia"], 0..1, "recipe*", "prescription"),
        trap(&["sin|necesit*", "receta"], 1..2, "recipe*", "prescription"),
        trap(&["puntos", "herida|sutura|cabeza|frente|ceja"], 0..1, "point*|dot*", "stitches"),
        trap(&["quit*|cos*", "puntos"], 1..2, "point*|dot*", "stitches"),
        trap(&["planta", "pie|pies"], 0..1, "plant|plants|floor", "sole"),
        trap(&["dolor*|dolía|duel*|contraccion*|sala", "parto"], 1..2, "leave|part|depart*|go", "labour|birth|labor|delivery"),
        trap(&["cuello", "útero|matriz"], 0..1, "neck|collar", "cervix"),
        trap(&["dolor*|duel*|rígid*|tortícolis", "cuello"], 1..2, "collar*", "neck"),
        side_by_side(&["frutos", "secos"], 0..2, "fruit|fruits", "nuts|nut"),
        trap(&["sensible*"], 0..1, "sensible", "sensitive"),
        trap(&["molestia*"], 0..1, "molest*", "discomfort"),
        trap(&["preservativo*"], 0..1, "preservative*", "condom"),
        trap(&["éxito*"], 0..1, "exit*", "success"),
        trap(&["actualmente"], 0..1, "actually", "currently"),
        side_by_side(&["mi|tu|su|nuestra|vuestra", "mujer"], 1..2, "woman", "wife"),
    ]),
    ("en", "es", &[
        far_apart(&["lump*", "breast*|neck|throat|armpit*|testicle*|groin"], 0..1, "trozo*|terrón|pedazo*|grumo*", "bulto|bultos"),
        trap(&["once"], 0..1, "once", "una vez"),
        trap(&["constipat*"], 0..1, "constipad*|resfriad*|acatarrad*", "estreñido"),
        trap(&["constipation"], 0..1, "constipad*|resfriad*|catarro", "estreñimiento"),
        trap(&["embarrass*"], 0..1, "embaraz*", "avergonzado"),
        trap(&["stabbed"], 0..1, "sobrad*|estabilizad*", "apuñalado|apuñal*|acuchill*"),
        trap(&["blood*|black|loose|sample*|watery|hard|my", "stool|stools"], 1..2, "taburete*|banquet*|banco*", "heces"),
        trap(&["stool|stools", "sample*|blood*|black"], 0..1, "taburete*|banquet*|banco*", "heces"),
        trap(&["arm|leg|wrist|ankle|plaster|broken", "cast"], 1..2, "reparto*|elenco*", "yeso"),
        trap(&["my|his|her|your|their|left|right|the", "calf"], 1..2, "terner*|becerr*", "pantorrilla"),
        trap(&["chest", "pain*|hurt*|tight*|infection|feel*"], 0..1, "cofre*|baúl*", "pecho"),
        trap(&["my|his|her|your|left|right", "chest"], 1..2, "cofre*|baúl*", "pecho"),
        trap(&["palm*", "hand|hands"], 0..1, "palmera*", "palma"),
        trap(&["my|his|her|your|left|right|both", "palm|palms"], 1..2, "palmera*", "palma"),
        trap(&["my|his|her|your|lower|upper", "back", "hurts|aches|pain|is|injury"], 1..2, "atrás|detrás|regreso|vuelta", "espalda"),
        trap(&["back", "pain|ache|injury"], 0..1, "atrás|detrás|regreso|vuelta", "espalda"),
        trap(&["flu|tetanus|vaccin*|rabies|allergy|insulin|booster", "shot|shots"], 1..2, "disparo*|tiro*|balazo*", "inyección|vacuna*|inyecci*"),
        trap(&["prescri*|allerg*|new|this|these|your", "drug|drugs"], 1..2, "droga*", "medicamento|medicamentos|fármaco*|medicina*"),
        trap(&["late|miss*|heavy|painful|last|irregular", "period|periods"], 1..2, "punto*", "regla|período|periodo"),
        trap(&["cross*|at|to|from", "border"], 1..2, "borde*", "frontera"),
        trap(&["sensible"], 0..1, "sensible*", "sensato"),
        trap(&["preservative*"], 0..1, "preservativo*", "conservantes"),
        trap(&["intoxicated"], 0..1, "intoxicad*", "ebrio"),
        trap(&["finger|fingers|toe|toes|ingrown", "nail|nails"], 1..2, "clavo*", "uña"),
        trap(&["exit|exits"], 0..1, "éxito*", "salida"),
        trap(&["actually"], 0..1, "actualmente", "en realidad"),
    ]),
    ("fr", "en", &[
        trap(&["perd*", "connaissance"], 1..2, "knowledge|acquaintance*", "consciousness"),
        trap(&["repris*|reprend*", "connaissance"], 1..2, "knowledge|acquaintance*", "consciousness"),
        trap(&["tension", "haute|basse|artérielle|élevée|trop"], 0..1, "tension|voltage|stress|strain", "blood pressure"),
        trap(&["pris|prend*|prise|mesur*", "tension"], 1..2, "tension|voltage|stress|strain", "blood pressure"),
        trap(&["enceinte"], 0..1, "enclosure*|speaker*|wall*|surrounded", "pregnant"),
        trap(&["dernières|retard|douleur*", "règles"], 1..2, "rule*|ruler*", "period"),
        far_apart(&["ordonnance", "médecin*|médica*|pharmac*|docteur*|acheter"], 0..1, "order|ordinance|orderly", "prescription"),
        trap(&["sans|avec|besoin|sur|mon|votre|renouvel*|prescri*", "ordonnance"], 1..2, "order|ordinance|orderly", "prescription"),
        trap(&["intoxication"], 0..1, "intoxication", "poisoning"),
        trap(&["préservatif*"], 0..1, "preservative*", "condom"),
        trap(&["selles"], 0..1, "saddle*|sells|salt*", "stools"),
        trap(&["foie"], 0..1, "faith|times|fair", "liver"),
        trap(&["côte|côtes", "cassé*|fêlé*|douleur*|mal"], 0..1, "coast*|side|hill*", "rib"),
        trap(&["cassé*|fêlé*|fractur*|mal", "côte|côtes"], 1..2, "coast*|side|hill*", "rib"),
        trap(&["mollet*"], 0..1, "soft*|boiled", "calf"),
        trap(&["constipé*"], 0..1, "cold", "constipated"),
        trap(&["sens", "unique|interdit"], 0..1, "sense*|meaning", "way"),
        trap(&["feu", "rouge|vert|orange|prochain"], 0..1, "fire", "light"),
        trap(&["tourn*|gauche|droite|arrêt*", "feu|feux"], 1..2, "fire|fires", "light"),
        trap(&["bouton*", "ventre|visage|peau|dos|bras|jambe*|corps|fièvre|démange*"], 0..1, "button*", "spots|rash|spot|pimple*"),
        Trap { strict: true, ..trap(&["calcul|calculs", "rein|reins"], 0..2, "calculat*|calculus", "kidney stone|stones") },
        trap(&["calcul|calculs", "rénal|rénaux|vésicule|biliaire*|urinaire*"], 0..1, "calculat*|calculus", "stone|stones"),
        trap(&["addition", "vous|te|fausse|payer|restaurant|serveur*|erreur"], 0..1, "addition", "bill"),
        trap(&["pay*|apport*|demand*|régl*", "addition"], 1..2, "addition", "bill"),
        trap(&["évanoui*"], 0..1, "vanish*|disappear*", "fainted"),
        trap(&["angine"], 0..1, "angina", "tonsillitis"),
        trap(&["crise", "cardiaque*"], 0..2, "crisis|crises", "heart attack"),
        trap(&["grippe"], 0..1, "grip*", "flu"),
        trap(&["rhume"], 0..1, "rum|rheum*", "cold"),
        trap(&["comprimé|comprimés"], 0..1, "compress*", "tablet|tablets|pill*"),
        trap(&["cachet|cachets", "par|aspirine|paracétamol|mg|jour|matin|soir|dormir"], 0..1, "stamp*|seal*|fee*", "tablet|tablets|pill*"),
        trap(&["poisson*"], 0..1, "poison*", "fish"),
        trap(&["pain|pains"], 0..1, "pain|pains", "bread"),
        trap(&["dent|dents"], 0..1, "dent|dents", "tooth|teeth"),
        trap(&["lentille*", "contact"], 0..1, "lentil*", "lenses|lens"),
        trap(&["éventuellement"], 0..1, "eventually", "possibly"),
        trap(&["déception*"], 0..1, "deception*", "disappointment"),
        trap(&["blessé*"], 0..1, "blessed", "injured"),
        trap(&["essence"], 0..1, "essence", "petrol"),
        trap(&["librairie*"], 0..1, "library", "bookshop"),
        trap(&["actuellement"], 0..1, "actually", "currently"),
        trap(&["sensible*"], 0..1, "sensible", "sensitive"),
    ]),
    ("en", "fr", &[
        trap(&["constipat*"], 0..1, "rhume|enrhum*", "constipé|constip*"),
        trap(&["take*|taking|took|taken|my|your|his|her|this|that|any|no|the", "medicine|medicines"], 1..2, "médecine*", "médicament|médicaments"),
        trap(&["take|taking|took|taken|swallow*|chew*|mg|half", "tablet|tablets"], 1..2, "table|tables|tableau*|tablette*", "comprimé|comprimés|cachet*|pilule*"),
        trap(&["blood*|black|loose|sample*|watery|hard|my", "stool|stools"], 1..2, "tabouret*", "selles"),
        trap(&["arm|leg|wrist|ankle|plaster|broken", "cast"], 1..2, "distribution|acteur*|casting", "plâtre"),
        trap(&["my|his|her|your|their|left|right|the", "calf"], 1..2, "veau*", "mollet"),
        trap(&["chest", "pain*|hurt*|tight*|infection|feel*"], 0..1, "coffre*|commode*|caisse*", "poitrine|thorax|thoracique*"),
        trap(&["my|his|her|your|left|right", "chest"], 1..2, "coffre*|commode*|caisse*", "poitrine|thorax"),
        trap(&["my|his|her|your|left|right|both", "palm|palms"], 1..2, "palmier*", "paume"),
        trap(&["my|his|her|your|lower|upper", "back", "hurts|aches|pain|is|injury"], 1..2, "arrière|retour|derrière", "dos"),
        trap(&["flu|tetanus|vaccin*|rabies|allergy|insulin|booster", "shot|shots"], 1..2, "coup*|tir*|balle*", "piqûre|vaccin*|injection*"),
        trap(&["prescri*|allerg*|new|this|these|your", "drug|drugs"], 1..2, "drogue*", "médicament|médicaments"),
        trap(&["late|miss*|heavy|painful|last|irregular", "period|periods"], 1..2, "point*", "règles"),
        trap(&["finger|fingers|toe|toes|ingrown", "nail|nails"], 1..2, "clou*", "ongle|ongles"),
        trap(&["had|suffer*|having", "stroke"], 1..2, "coup*|caresse*|trait*", "AVC"),
        trap(&["stroke", "patient*|victim*|symptom*"], 0..1, "coup*|caresse*|trait*", "AVC"),
        far_apart(&["lump*", "breast*|neck|throat|armpit*|testicle*|groin"], 0..1, "morceau*|bloc*|motte*", "grosseur|boule*|masse*|bosse*"),
        trap(&["plane|planes", "leav*|land*|late|delay*|ticket*|took|arriv*"], 0..1, "plan|plans", "avion|avions"),
        trap(&["catch|caught|miss*|board*|by|our|my|the", "plane"], 1..2, "plan|plans", "avion"),
        trap(&["bill", "wrong|please|pay*|restaurant|waiter"], 0..1, "bille*", "addition|note|facture*"),
        trap(&["pay*|bring|have", "bill"], 1..2, "bille*", "addition|note|facture*"),
        side_by_side(&["hang|hung", "up"], 0..2, "pend*|accroch*", "raccrochez|raccroch*"),
        side_by_side(&["fire", "brigade|department|service"], 0..2, "feu|brigade|département|service", "pompiers"),
        trap(&["cross*|at|to|from", "border"], 1..2, "bord|bordure*", "frontière"),
        trap(&["preservative*"], 0..1, "préservatif*", "conservateurs"),
        trap(&["injured"], 0..1, "injuri*", "blessé|bless*"),
        trap(&["sensible"], 0..1, "sensible*", "raisonnable"),
        trap(&["actually"], 0..1, "actuellement", "en fait"),
        trap(&["library"], 0..1, "librairie*", "bibliothèque"),
    ]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn right(pair: (&str, &str), source: &str, target: &str) -> Option<&'static str> {
        let code = |c: &str| c.parse().expect("a code");
        misread(source, target, &code(pair.0), &code(pair.1)).map(|m| m.right)
    }

    #[test]
    fn the_company_of_a_word_decides() {
        let es = ("es", "en");
        assert_eq!(
            right(es, "Mi padre perdió ayer el conocimiento.", "My father lost his knowledge."),
            Some("consciousness")
        );
        assert_eq!(right(es, "Tiene mucho conocimiento.", "He has much knowledge."), None);
        assert_eq!(right(es, "Me subió la tensión.", "My tension rose."), Some("blood pressure"));
        assert_eq!(right(es, "Peligro: alta tensión", "Danger: high tension"), Some("voltage"));
        assert_eq!(
            right(es, "Hay tensión entre los dos países.", "There is tension between the two countries."),
            None
        );
        assert_eq!(right(es, "Mi mujer está enferma.", "My woman is ill."), Some("wife"));
        assert_eq!(right(es, "Mi amiga, una mujer amable.", "My friend, a kind woman."), None);
        assert_eq!(right(es, "No es seguro salir.", "It's not sure to go out."), Some("safe"));
        assert_eq!(right(es, "No estoy seguro.", "I'm not sure."), None);
        assert_eq!(right(es, "Va a dar a luz.", "She is going to give birth in the light."), None);
        let fr = ("fr", "en");
        assert_eq!(right(fr, "Il a perdu connaissance.", "He lost knowledge."), Some("consciousness"));
        assert_eq!(right(fr, "Tournez au feu rouge.", "Turn at the red fire."), Some("light"));
        assert_eq!(
            right(fr, "Tournez à gauche au deuxième feu.", "Turn left at the second fire."),
            Some("light")
        );
        assert_eq!(right(fr, "Il n'y a plus d’essence.", "There is no essence."), Some("petrol"));
        assert_eq!(right(fr, "L'addition, s'il vous plaît.", "The addition, please."), Some("bill"));
        assert_eq!(right(fr, "L'addition de deux nombres", "The addition of two numbers"), None);
        let misread =
            misread("J'ai l’angine.", "I have angina.", &"fr".parse().unwrap(), &"en".parse().unwrap());
        assert_eq!(misread.map(|m| m.place), Some(9..15));
        assert_eq!(
            right(("en", "fr"), "I have not taken my medicine.", "Je n'ai pas pris ma médecine."),
            Some("médicament")
        );
        assert_eq!(right(("en", "fr"), "She studies medicine.", "Elle étudie la médecine."), None);
        assert_eq!(
            right(("en", "fr"), "Call the fire brigade.", "Appelez le feu brigade."),
            Some("pompiers")
        );
        assert_eq!(right(es, "al sur, no al este", "to the south, not to this"), Some("east"));
        let en = ("en", "es");
        assert_eq!(
            right(en, "There is a lump in my right breast.", "Hay un trozo en mi pecho."),
            Some("bulto")
        );
        assert_eq!(right(en, "Take it once a day.", "Tómelo once al día."), Some("una vez"));
        assert_eq!(right(en, "Take it once a day.", "Tómelo una vez al día."), None);
        assert_eq!(right(en, "There is blood in my stool.", "Hay sangre en mi taburete."), Some("heces"));
        assert_eq!(right(en, "Sit on the stool.", "Siéntese en el taburete."), None);
    }

    #[test]
    fn the_place_is_that_of_the_word() {
        let source = "Perdí el conocimiento.";
        let code = |c: &str| c.parse().expect("a code");
        let found = misread(source, "I lost knowledge.", &code("es"), &code("en")).expect("a trap");
        assert_eq!(source.get(found.place), Some("conocimiento"));
    }

    #[test]
    fn every_trap_can_be_met_and_names_its_key() {
        for (from, to, traps) in TRAPS {
            for trap in *traps {
                let plain = |forms: &str| forms.split('|').next().unwrap_or_default().replace('*', "");
                let source: Vec<String> = trap.source.iter().map(|forms| plain(forms)).collect();
                let wrong = plain(trap.wrong);
                let found = right((from, to), &source.join(" "), &wrong);
                assert!(found.is_some(), "{from}-{to} {source:?} {wrong}");
                assert!(!trap.right.split('|').next().unwrap_or_default().contains('*'));
            }
        }
    }
}
