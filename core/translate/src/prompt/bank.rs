//! Example sentences in three languages, written for Cuba, that show a model what is wanted.

use std::collections::BTreeSet;

use crate::engine::Direction;

/// Languages of the bank, in the order of its columns.
pub const LANGUAGES: &[&str] = &["en", "es", "fr"];

/// English, Spanish, French. The first rows are the fixed examples: short, plain, of different kinds.
const BANK: &[[&str; 3]] = &[
    [
        "Good morning, how can I help you?",
        "Buenos días, ¿en qué puedo ayudarle?",
        "Bonjour, comment puis-je vous aider ?",
    ],
    [
        "The train to Madrid leaves at 10:45 from platform 3.",
        "El tren a Madrid sale a las 10:45 del andén 3.",
        "Le train pour Madrid part à 10:45 du quai 3.",
    ],
    [
        "Scientists have found that the disease does not spread through water.",
        "Los científicos han descubierto que la enfermedad no se transmite por el agua.",
        "Les scientifiques ont découvert que la maladie ne se transmet pas par l'eau.",
    ],
    [
        "I have never been to this city before.",
        "Nunca había estado en esta ciudad.",
        "Je n'étais jamais venu dans cette ville.",
    ],
    ["Do you have a fever or a cough?", "¿Tiene fiebre o tos?", "Avez-vous de la fièvre ou de la toux ?"],
    ["Where does it hurt?", "¿Dónde le duele?", "Où avez-vous mal ?"],
    [
        "Take one tablet twice a day after meals.",
        "Tome una pastilla dos veces al día después de las comidas.",
        "Prenez un comprimé deux fois par jour après les repas.",
    ],
    [
        "My left arm has been numb since yesterday.",
        "Tengo el brazo izquierdo dormido desde ayer.",
        "Mon bras gauche est engourdi depuis hier.",
    ],
    [
        "She is allergic to penicillin.",
        "Ella es alérgica a la penicilina.",
        "Elle est allergique à la pénicilline.",
    ],
    [
        "Call an ambulance, please!",
        "¡Llame a una ambulancia, por favor!",
        "Appelez une ambulance, s'il vous plaît !",
    ],
    [
        "The doctor will see you in half an hour.",
        "El médico le atenderá dentro de media hora.",
        "Le médecin vous recevra dans une demi-heure.",
    ],
    [
        "He has had chest pain and trouble breathing for two days.",
        "Lleva dos días con dolor en el pecho y dificultad para respirar.",
        "Il a des douleurs à la poitrine et du mal à respirer depuis deux jours.",
    ],
    [
        "You should rest and drink plenty of water.",
        "Debe descansar y beber mucha agua.",
        "Vous devez vous reposer et boire beaucoup d'eau.",
    ],
    [
        "The nurse measured my blood pressure.",
        "La enfermera me tomó la tensión.",
        "L'infirmière a pris ma tension.",
    ],
    [
        "Wash your hands with soap for at least 20 seconds.",
        "Lávese las manos con jabón durante al menos 20 segundos.",
        "Lavez-vous les mains avec du savon pendant au moins 20 secondes.",
    ],
    [
        "The vaccine was tested on 3,000 volunteers.",
        "La vacuna se probó en 3,000 voluntarios.",
        "Le vaccin a été testé sur 3,000 volontaires.",
    ],
    [
        "Where is the nearest pharmacy?",
        "¿Dónde está la farmacia más cercana?",
        "Où se trouve la pharmacie la plus proche ?",
    ],
    [
        "Turn left at the next corner and go straight on.",
        "Gire a la izquierda en la próxima esquina y siga recto.",
        "Tournez à gauche au prochain coin de rue et continuez tout droit.",
    ],
    [
        "How much does a room for two nights cost?",
        "¿Cuánto cuesta una habitación para dos noches?",
        "Combien coûte une chambre pour deux nuits ?",
    ],
    [
        "I would like a table by the window.",
        "Quisiera una mesa junto a la ventana.",
        "Je voudrais une table près de la fenêtre.",
    ],
    [
        "We missed the last bus, so we walked home.",
        "Perdimos el último autobús, así que volvimos a casa a pie.",
        "Nous avons raté le dernier bus, alors nous sommes rentrés à pied.",
    ],
    [
        "My passport was stolen at the airport.",
        "Me robaron el pasaporte en el aeropuerto.",
        "On m'a volé mon passeport à l'aéroport.",
    ],
    ["The shop is closed on Sundays.", "La tienda cierra los domingos.", "Le magasin est fermé le dimanche."],
    ["Can I pay by card?", "¿Puedo pagar con tarjeta?", "Puis-je payer par carte ?"],
    ["It has been raining all week.", "Lleva toda la semana lloviendo.", "Il pleut depuis une semaine."],
    ["Tom wants to learn how to swim.", "Tom quiere aprender a nadar.", "Tom veut apprendre à nager."],
    [
        "I don't know what you are talking about.",
        "No sé de qué estás hablando.",
        "Je ne sais pas de quoi tu parles.",
    ],
    [
        "If I had more time, I would read that book.",
        "Si tuviera más tiempo, leería ese libro.",
        "Si j'avais plus de temps, je lirais ce livre.",
    ],
    [
        "She gave her brother an old watch.",
        "Le regaló a su hermano un reloj viejo.",
        "Elle a offert une vieille montre à son frère.",
    ],
    [
        "Nobody told me that the meeting had been cancelled.",
        "Nadie me dijo que se había cancelado la reunión.",
        "Personne ne m'a dit que la réunion avait été annulée.",
    ],
    [
        "What time do you get up in the morning?",
        "¿A qué hora te levantas por la mañana?",
        "À quelle heure te lèves-tu le matin ?",
    ],
    [
        "The children were playing in the garden when it started to snow.",
        "Los niños jugaban en el jardín cuando empezó a nevar.",
        "Les enfants jouaient dans le jardin quand il a commencé à neiger.",
    ],
    [
        "He is much taller than his father.",
        "Es mucho más alto que su padre.",
        "Il est beaucoup plus grand que son père.",
    ],
    [
        "The government announced new measures on Tuesday.",
        "El Gobierno anunció nuevas medidas el martes.",
        "Le gouvernement a annoncé de nouvelles mesures mardi.",
    ],
    [
        "The storm destroyed more than 200 houses along the coast.",
        "La tormenta destruyó más de 200 casas a lo largo de la costa.",
        "La tempête a détruit plus de 200 maisons le long de la côte.",
    ],
    [
        "The team won the final after scoring in the last minute.",
        "El equipo ganó la final tras marcar en el último minuto.",
        "L'équipe a remporté la finale après avoir marqué à la dernière minute.",
    ],
    [
        "According to the police, no one was injured in the accident.",
        "Según la policía, nadie resultó herido en el accidente.",
        "Selon la police, personne n'a été blessé dans l'accident.",
    ],
    [
        "The bridge, which was built in the 19th century, is being repaired.",
        "El puente, construido en el siglo XIX, está en obras.",
        "Le pont, construit au XIXe siècle, est en travaux.",
    ],
    [
        "Researchers say that the fossil is about 75 million years old.",
        "Los investigadores afirman que el fósil tiene unos 75 millones de años.",
        "Les chercheurs affirment que le fossile a environ 75 millions d'années.",
    ],
    [
        "Many animals live in the forest near the river.",
        "Muchos animales viven en el bosque cerca del río.",
        "De nombreux animaux vivent dans la forêt près de la rivière.",
    ],
    [
        "Enter your password to continue.",
        "Introduzca su contraseña para continuar.",
        "Saisissez votre mot de passe pour continuer.",
    ],
    [
        "The form must be signed by both parents.",
        "El formulario debe estar firmado por ambos padres.",
        "Le formulaire doit être signé par les deux parents.",
    ],
    [
        "Your appointment is on Monday at nine o'clock.",
        "Su cita es el lunes a las nueve.",
        "Votre rendez-vous est lundi à neuf heures.",
    ],
    [
        "Thank you very much for your help!",
        "¡Muchas gracias por su ayuda!",
        "Merci beaucoup pour votre aide !",
    ],
];

/// Example pairs for a sentence: `fixed` that never change, then the `chosen` most like it, the most alike last.
pub fn examples(
    direction: Direction,
    sentence: &str,
    fixed: usize,
    chosen: usize,
) -> Vec<(&'static str, &'static str)> {
    let column = |code: &str| LANGUAGES.iter().position(|l| *l == code);
    let (Some(from), Some(to)) = (column(direction.from.base()), column(direction.to.base())) else {
        return Vec::new();
    };
    let pairs = BANK.iter().filter_map(|row| Some((*row.get(from)?, *row.get(to)?)));
    let mut pairs: Vec<(&str, &str)> = pairs.filter(|(source, _)| *source != sentence).collect();
    let rest = pairs.split_off(fixed.min(pairs.len()));
    let grams = grams(sentence);
    let mut scored: Vec<(u32, (&str, &str))> =
        rest.into_iter().map(|pair| (likeness(&grams, pair.0), pair)).collect();
    // A stable sort: of equally similar ones the earlier wins, on every machine.
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.truncate(chosen);
    pairs.extend(scored.into_iter().rev().map(|(_, pair)| pair));
    pairs
}

/// Words and character trigrams of the words.
fn grams(text: &str) -> BTreeSet<String> {
    let lower = text.to_lowercase();
    let mut out = BTreeSet::new();
    for word in lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        out.insert(word.to_owned());
        let padded: Vec<char> = std::iter::once(' ').chain(word.chars()).chain([' ']).collect();
        out.extend(padded.windows(3).map(|w| w.iter().collect::<String>()));
    }
    if text.trim_end().ends_with('?') {
        // Questions are shown questions.
        out.insert("?".into());
    }
    out
}

/// Dice coefficient in parts of ten thousand.
fn likeness(grams_of_sentence: &BTreeSet<String>, other: &str) -> u32 {
    let other = grams(other);
    let common = grams_of_sentence.intersection(&other).count();
    (common * 20_000 / (grams_of_sentence.len() + other.len()).max(1)) as u32
}
