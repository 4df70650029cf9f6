//! Words of one kind taken for each other: the left arm for the right one, a knee for a tooth, after for before.
//!
//! A model that does not know a word puts one of its kind in its place, and the sentence reads well. Where a word of a kind
//! is lost and another of the same kind stands in the translation that nothing in the source asks for, they were exchanged.
//! A word that is merely lost says nothing: languages say many things in other ways.

use super::senses::{is_one_of, words};
use crate::LanguageCode;

/// Order of the columns below.
const LANGUAGES: [&str; 3] = ["en", "es", "fr"];

/// Forms of one concept in each language, separated by a bar; a star stands for any ending. A form with several meanings stands
/// in several rows: it is kept by any of them.
type Row = [&'static str; 3];

/// Whether a word of the source became another of its kind. Languages without a column say nothing.
pub(super) fn exchanged(source: &str, target: &str, from: &LanguageCode, to: &LanguageCode) -> bool {
    let column = |language: &LanguageCode| LANGUAGES.iter().position(|code| *code == language.base());
    let (Some(from), Some(to)) = (column(from), column(to)) else { return false };
    let (source, target) = (words(source), words(target));
    let mentions = |rows: &[Row], words: &[(usize, String)], column: usize| -> Vec<u64> {
        words.iter().map(|(_, word)| concepts(rows, column, word)).filter(|found| *found != 0).collect()
    };
    let asked = |rows: &[Row]| mentions(rows, &source, from);
    let given = |rows: &[Row]| mentions(rows, &target, to);
    let missing = |these: &[u64], those: &[u64]| these.iter().any(|a| those.iter().all(|b| a & b == 0));
    // "On the left, next to the bank" says nothing of the right: of sides one too many misleads, even where none is lost.
    let sides = asked(SIDES);
    let too_many = !sides.is_empty() && missing(&given(TURNS), &sides);
    too_many
        || KINDS.iter().chain([&SIDES]).any(|rows| {
            let (asked, given) = (asked(rows), given(rows));
            missing(&asked, &given) && missing(&given, &asked)
        })
}

/// The rows that hold `word`, a bit each.
fn concepts(rows: &[Row], column: usize, word: &str) -> u64 {
    let forms = rows.iter().map(|row| row.get(column).copied().unwrap_or_default());
    forms.enumerate().filter(|(_, forms)| is_one_of(word, forms)).fold(0, |found, (n, _)| found | 1 << n)
}

const SIDES: &[Row] =
    &[["left", "izquierd*", "gauche|gauches"], ["right", "derech*", "droit|droite|droits|droites"]];

/// The forms that are a side and nothing else: `derecho` and `tout droit` are straight on, and rights; in English all may be other words.
const TURNS: &[Row] = &[["", "izquierda*", "gauche|gauches"], ["", "derecha*", "droite|droites"]];

/// No kind has more than 64 rows.
#[rustfmt::skip]
const KINDS: &[&[Row]] = &[
    &[ // compass; "este" and "est" are mostly other words
        ["north*", "norte*|septentrional*", "nord|nordique"],
        ["south*", "sur|sureña*|meridional*", "sud|méridional*"],
        ["east|eastern", "oriental*", "oriental*"],
        ["west|western", "oeste|occidental*", "ouest|occidental*"],
    ],
    &[ // order
        ["before|prior|previous*", "antes|previ*|anterior*", "avant|auparavant|précéd*"],
        ["after|afterwards|later", "después|luego|tras|posterior*", "après|ensuite"],
    ],
    &[ // times of the day, days
        ["morning*", "mañana*|madrugada*", "matin*"],
        ["afternoon*|evening*|noon|midday", "tarde*|mediodía", "midi|soir*"],
        ["night*|evening*|tonight|overnight|midnight", "noche*|anoche|nocturn*|medianoche", "nuit*|soir*|nocturne*|minuit"],
        ["tomorrow", "mañana", "demain|lendemain"],
        ["yesterday", "ayer|anoche", "hier"],
        ["today|tonight", "hoy", "aujourd"],
    ],
    &[ // units of time
        ["minute*", "minuto*", "minute*"],
        ["hour*|clock", "hora*|horari*", "heure*|horaire*"],
        ["day|days|daily", "día*|diari*|jornada*", "jour|jours|journée*|quotidien*"],
        ["week*|fortnight*", "semana*|semanal*|quincena*", "semaine*|hebdomadaire*|quinzaine|week"],
        ["month*", "mes|meses|mensual*", "mois|mensuel*"],
        ["year*|annual*|yearly", "año*|anual*", "an|ans|année*|annuel*"],
    ],
    &[ // open, closed
        ["open*", "abre|abren|abrir*|abra|abran|abrió|abiert*", "ouvr*|ouvert*"],
        ["clos*|shut*", "cerra*|cierr*", "ferm*"],
    ],
    &[ // warm, cold
        ["hot|warm*|heat*", "calient*|calor*|cálid*|calurosa*", "chaud*|chaleur*"],
        ["cold*|cool*|freez*|frozen|chill*|ice", "frí*|resfri*|helad*|hiel*|fresc*|congel*", "froid*|frais|fraîche*|rhume*|gel*|glac*"],
    ],
    &[ // more, less
        ["more|most|over|above", "más|mayor*|superior*|encima", "plus|davantage|supérieur*|dessus"],
        ["less|least|fewer|under|below", "menos|menor*|inferior*|debajo|bajo", "moins|inférieur*|mineur*|dessous"],
    ],
    &[ // high, low
        ["high|higher|highest|raised|elevated", "alta|altas|alto|altos|elevad*", "haut|haute|hauts|hautes|élevé*"],
        ["low|lower|lowest", "baja|bajas|bajo|bajos", "bas|basse|basses|faible*"],
    ],
    &[ // results
        ["positive*", "positiv*", "positif*|positive*"],
        ["negative*", "negativ*", "négatif*|négative*"],
    ],
    &[ // hunger, thirst
        ["hungry|hunger", "hambr*", "faim"],
        ["thirst*", "sed|sedient*", "soif"],
    ],
    &[ // ways in and out
        ["entrance*|entry", "entrada*", "entrée*"],
        ["exit*", "salida*", "sortie*"],
    ],
    &[ // colours
        ["red|reddish", "roj*|colorad*", "rouge*"],
        ["green*", "verde*", "vert|verte|verts|vertes"],
        ["blue*", "azul*|morad*", "bleu*"],
        ["yellow*", "amarill*", "jaune*"],
        ["black*", "negr*", "noir*"],
        ["white*", "blanc*", "blanc*"],
    ],
    &[ // family
        ["husband*", "marido*|esposo*", "mari|maris|époux"],
        ["wife|wives", "esposa*|mujer|mujeres|señora", "femme*|épouse*"],
        ["woman|women|lady|ladies|girl*|female*", "mujer*|señora*|dama*|chica*|niña*|niñita*|muchacha*|femenin*|hembra*", "femme*|dame*|fille*|madame|fillette*|féminin*"],
        ["man|men|boy*|gentleman|gentlemen|male*|guy*", "hombre*|señor|señores|caballero*|chico*|niño*|niñito*|muchacho*|masculin*|varón|varones", "homme*|monsieur|garçon*|masculin*|gars"],
        ["child*|kid|kids|baby|babies|infant*", "niñ*|bebé*|hij*|chic*|muchach*|criatura*|infantil*|infanci*", "enfant*|bébé*|gosse*|enfance|fils|fille*"],
        ["son|sons", "hijo|hijos", "fils"],
        ["daughter*", "hija|hijas|hijos", "fille*"],
        ["brother*|sibling*", "hermano*", "frère*"],
        ["sister*|sibling*", "hermana*|hermanos", "sœur*|soeur*"],
        ["mother*|mum|mom|mummy", "madre*|mamá*", "mère*|maman*"],
        ["father*|dad|daddy", "padre|papá|papás", "père*|papa"],
        ["grandmother*|grandma*|granny", "abuela*|abuelos", "mère*|mamie*"],
        ["grandfather*|grandpa*|grandad*", "abuelo*", "père*|papi*"],
    ],
    &[ // body
        ["chest*", "pecho*|tórax|torácic*", "poitrine*|thorax|thoraci*"],
        ["breast*", "pecho*|seno*|mama|mamas|mamari*", "sein|seins|poitrine*|mammaire*"],
        ["arm|arms|armpit*", "brazo*|axila*", "bras|aisselle*"],
        ["leg|legs", "pierna*|pata*", "jambe*|patte*"],
        ["hand|hands", "mano|manos", "main|mains"],
        ["foot|feet|sole|soles", "pie|pies", "pied|pieds"],
        ["finger*|thumb*", "dedo*|pulgar*", "doigt*|pouce*"],
        ["toe|toes", "dedo*", "orteil*|doigt*"],
        ["eye|eyes|eyesight", "ojo|ojos|ocular*|vista", "œil|oeil|yeux|vue"],
        ["ear|ears|earache", "oído*|oreja*", "oreille*"],
        ["head|heads|headache*", "cabeza*", "tête*"],
        ["neck*", "cuello*|nuca*", "cou|cous|nuque*|col"],
        ["throat*", "garganta*", "gorge*"],
        ["shoulder*", "hombro*", "épaule*"],
        ["elbow*", "codo*", "coude*"],
        ["wrist*", "muñeca*", "poignet*"],
        ["knee|knees", "rodilla*", "genou|genoux"],
        ["ankle*", "tobillo*", "cheville*"],
        ["hip|hips", "cadera*", "hanche*"],
        ["back|backache", "espalda*|lumbar*", "dos"],
        ["stomach*|belly|bellies|tummy|abdom*", "estómago*|barriga*|vientre*|abdom*|tripa*", "estomac*|ventre*|abdom*"],
        ["heart|hearts|heartbeat*|cardiac", "corazón|corazones|cardíac*|cardiac*", "cœur*|coeur*|cardiaque*"],
        ["lung*|pulmonary", "pulmón|pulmones|pulmonar*", "poumon*|pulmonaire*"],
        ["liver*", "hígado*|hepátic*", "foie|foies|hépatique*"],
        ["kidney*|renal", "riñón|riñones|renal*", "rein|reins|rénal*|rénaux"],
        ["bladder*", "vejiga*", "vessie*"],
        ["tooth|teeth|toothache*|dental", "diente*|muela*|dental*|dentadura*", "dent|dents|dentaire*"],
        ["gum|gums", "encía*", "gencive*"],
        ["mouth*", "boca*|bucal*", "bouche*|buccal*"],
        ["nose*|nasal", "nariz|narices|nasal*", "nez|nasal*"],
        ["tongue*", "lengua*", "langue*"],
        ["lip|lips", "labio*", "lèvre*"],
        ["jaw|jaws", "mandíbula*|quijada*", "mâchoire*"],
        ["face|faces|facial", "cara|caras|rostro*|facial*", "visage*|face|faces|facial*"],
        ["skin*", "piel|pieles|cutáne*", "peau|peaux|cutané*"],
        ["thigh*", "muslo*", "cuisse*"],
        ["calf|calves", "pantorrilla*|gemelo*", "mollet*"],
        ["rib|ribs", "costilla*", "côte|côtes"],
        ["brain*|cerebral", "cerebr*", "cerveau*|cérébral*"],
    ],
    &[ // medicines and what is taken like them
        ["aspirin*", "aspirina*", "aspirine*"],
        ["ibuprofen*", "ibuprofen*", "ibuprof*"],
        ["paracetamol*|acetaminophen*|tylenol", "paracetamol*|acetaminof*", "paracétamol*|acétaminoph*|doliprane"],
        ["penicillin*", "penicilina*", "pénicilline*"],
        ["amoxicillin*", "amoxicilina*", "amoxicilline*"],
        ["antibiotic*", "antibiótic*", "antibiotique*"],
        ["antihistamine*", "antihistamínic*", "antihistaminique*"],
        ["insulin*", "insulin*", "insulin*"],
        ["morphine*", "morfina*", "morphine*"],
        ["codeine*", "codeína*", "codéine*"],
        ["cortisone*|cortisol|hydrocortisone|steroid*|corticosteroid*", "cortisona*|hidrocortisona|corticoide*|corticosteroide*|esteroide*", "cortisone*|hydrocortisone|stéroïde*|corticoïde*|corticostéroïde*"],
        ["adrenaline|epinephrine", "adrenalina|epinefrina", "adrénaline|épinéphrine"],
        ["warfarin", "warfarina", "warfarine"],
        ["heparin", "heparina", "héparine"],
        ["metformin", "metformina", "metformine"],
        ["omeprazole", "omeprazol", "oméprazole"],
        ["salbutamol|albuterol|ventolin", "salbutamol|ventolin", "salbutamol|ventoline"],
        ["diazepam|valium", "diazepam|valium", "diazépam|valium"],
        ["heroin", "heroína", "héroïne"],
        ["cocaine", "cocaína", "cocaïne"],
        ["methadone", "metadona", "méthadone"],
        ["alcohol*", "alcohol*", "alcool*"],
        ["vaccin*", "vacun*", "vaccin*"],
    ],
    &[ // food
        ["milk*", "leche*|láctea*|lácteo*", "lait*"],
        ["egg|eggs", "huevo*", "œuf*|oeuf*"],
        ["peanut*", "cacahuete*|cacahuate*|maní|maníes", "cacahuète*|cacahouète*|arachide*"],
        ["nut|nuts|walnut*", "nuez|nueces|frutos", "noix|noisette*"],
        ["fish|fishes", "pescado*|pez|peces", "poisson*"],
        ["shellfish|seafood|prawn*|shrimp*", "marisco*|gamba*|camarón|camarones|langostino*", "crustacé*|crevette*|mer"],
        ["wheat*", "trigo*", "blé|blés|froment"],
        ["bread*", "pan|panes", "pain|pains"],
        ["cheese*", "queso*", "fromage*"],
        ["meat*", "carne|carnes", "viande*"],
        ["chicken*|hen|hens", "pollo*|gallina*", "poulet*|poule*"],
        ["pork|pig|pigs|ham|bacon", "cerdo*|puerco*|jamón|tocino|beicon|bacon", "porc|porcs|jambon*|cochon*|bacon|lard*"],
        ["beef|cow|cows|veal", "ternera*|vaca*|buey*|res|reses", "bœuf*|boeuf*|vache*|veau"],
        ["water*", "agua*|acuátic*", "eau|eaux|aquatique*"],
        ["salt*", "sal|sales|salad*", "sel|sels|salé*"],
        ["sugar*", "azúcar*|azucar*", "sucre*"],
    ],
    &[ // ways to travel
        ["train|trains", "tren|trenes", "train|trains"],
        ["bus|buses|coach|coaches", "autobús|autobuses|bus|buses|autocar*|colectivo*|guagua*|camión", "bus|autobus|autocar*|car|cars"],
        ["plane|planes|airplane*|aeroplane*|aircraft|flight*", "avión|aviones|aeronave*|vuelo*", "avion|avions|vol|vols|aéronef*"],
        ["car|cars", "coche*|carro*|auto|autos|automóvil*|vagón|vagones", "voiture*|auto|autos|automobile*|wagon*"],
        ["taxi*|cab|cabs", "taxi*", "taxi*"],
        ["boat*|ship|ships|ferry|ferries", "barco*|buque*|bote*|ferry|barca*|nave|naves|transbordador*", "bateau*|navire*|ferry|barque*|vaisseau*"],
        ["bicycle*|bike*", "bicicleta*|bici*", "vélo*|bicyclette*"],
        ["underground|subway*|metro", "metro|metros|subterráneo*", "métro*|souterrain*"],
    ],
];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pair: (&str, &str), source: &str, target: &str) -> bool {
        let code = |c: &str| c.parse().expect("a code");
        exchanged(source, target, &code(pair.0), &code(pair.1))
    }

    #[test]
    fn what_was_exchanged_is_seen() {
        for (pair, source, target) in [
            (("en", "es"), "My left arm hurts.", "Me duele el brazo derecho."),
            (("fr", "en"), "J'ai mal à une dent en bas à gauche.", "I have pain in my left knee."),
            (("en", "fr"), "Take it before meals.", "Prenez-le après les repas."),
            (("es", "en"), "Soy alérgico a la penicilina.", "I am allergic to aspirin."),
            (("es", "en"), "Mi hija está enferma.", "My son is ill."),
            (("en", "es"), "Take it for two weeks.", "Tómelo durante dos meses."),
            (("fr", "es"), "Le test est négatif.", "La prueba es positiva."),
            (("en", "es"), "The plane leaves at six.", "El tren sale a las seis."),
            (("en", "es"), "It is on the left, next to the bank.", "Está a la izquierda, a la derecha."),
            (("en", "fr"), "It leaves before midnight.", "Il part avant midi."),
        ] {
            assert!(found(pair, source, target), "{source} -> {target}");
        }
    }

    #[test]
    fn what_is_kept_lost_or_said_in_another_way_is_not() {
        for (pair, source, target) in [
            (("en", "es"), "My left arm hurts.", "Me duele el brazo izquierdo."),
            (("en", "es"), "You are right, he left after six.", "Tiene razón, se fue después de las seis."),
            (("en", "fr"), "Go straight ahead and turn left.", "Allez tout droit et tournez à gauche."),
            (("en", "es"), "At midnight", "A las doce de la noche"),
            (("en", "es"), "Keep going and turn left.", "Siga recto y gire a la izquierda."),
            (("en", "fr"), "Keep going and turn left.", "Continuez tout droit puis tournez à gauche."),
            (
                ("en", "es"),
                "Those on the left are entitled to it.",
                "Los de la izquierda tienen derecho a ello.",
            ),
            (("es", "fr"), "Pierna derecha, brazo izquierdo", "Jambe droite, bras gauche"),
            (("es", "en"), "Tiene derecho, pero se fue.", "He has the right, but he left."),
            (("es", "en"), "Siga todo recto y gire a la izquierda.", "Go straight on and turn left."),
            (("en", "es"), "On the other hand, my leg hurts.", "Por otro lado, me duele la pierna."),
            (("es", "en"), "Mañana por la mañana", "Tomorrow morning"),
            (("fr", "en"), "Ce soir", "Tonight"),
            (("fr", "en"), "Ma femme est enceinte.", "My wife is pregnant."),
            (("fr", "en"), "Ma grand-mère a mal au pied.", "My grandmother's foot hurts."),
            (("en", "es"), "He lost two fingers and a toe.", "Perdió dos dedos de la mano y uno del pie."),
            (("en", "pt"), "My left arm hurts.", "Dói-me o braço direito."),
        ] {
            assert!(!found(pair, source, target), "{source} -> {target}");
        }
    }

    #[test]
    fn the_table_is_sound() {
        for rows in KINDS.iter().chain([&SIDES]) {
            assert!(rows.len() <= 64);
            for form in rows.iter().flatten().flat_map(|forms| forms.split('|')) {
                assert!(
                    !form.is_empty() && form.trim_end_matches('*').chars().all(char::is_alphabetic),
                    "{form}"
                );
            }
        }
    }
}
