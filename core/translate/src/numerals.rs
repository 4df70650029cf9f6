//! Number words by language, one table for everything that meets them: repair finds the forms of a value, the checks
//! read whole numbers out of a text.

use crate::LanguageCode;

/// The number words of a language. Forms of one value (by gender, by country) are separated by a slash.
pub(crate) struct Numerals {
    /// Numbers are written as separate words, so that they can be read part by part.
    pub(crate) separate: bool,
    pub(crate) units: &'static [(u64, &'static str)],
    pub(crate) tens: &'static [(u64, &'static str)],
    pub(crate) hundred: &'static str,
    pub(crate) hundreds: &'static [(u64, &'static str)],
    pub(crate) scales: &'static [(u64, &'static str)],
    /// Joins the parts of one number.
    pub(crate) joint: &'static str,
    /// Words of a value that are other words too: articles, "new".
    pub(crate) homonyms: &'static [(u64, &'static str)],
    /// Words that name a value in another way and often none: pairs, dozens, hours.
    pub(crate) loose: &'static [(u64, &'static str)],
    /// Articles that make a following "two" mean "both" or an hour.
    pub(crate) articles: &'static str,
}

/// Whether `word` is one of the forms.
pub(crate) fn listed(forms: &str, word: &str) -> bool {
    forms.split('/').any(|form| form == word)
}

/// The value of a word.
pub(crate) fn value(table: &[(u64, &'static str)], word: &str) -> Option<u64> {
    table.iter().find(|(_, forms)| listed(forms, word)).map(|(value, _)| *value)
}

impl Numerals {
    /// The table of a language, if there is one.
    pub(crate) fn of(language: &LanguageCode) -> Option<&'static Self> {
        TABLES.iter().find(|(code, _)| *code == language.base()).map(|(_, table)| table)
    }

    /// The single words that mean `number`; none for a number that takes several.
    pub(crate) fn forms(&self, number: u64) -> impl Iterator<Item = &'static str> {
        let hundred = [(100, self.hundred)];
        let tables = [self.units, self.tens, &hundred, self.hundreds, self.scales, self.homonyms];
        let forms = tables.into_iter().flat_map(|table| table.iter().filter(|(n, _)| *n == number));
        let forms: Vec<&'static str> = forms.flat_map(|(_, forms)| forms.split('/')).collect();
        forms.into_iter().filter(|form| !form.is_empty())
    }

    /// Whether `word` means a number or is part of one.
    pub(crate) fn knows(&self, word: &str) -> bool {
        listed(self.hundred, word)
            || [self.units, self.tens, self.hundreds, self.scales].iter().any(|t| value(t, word).is_some())
    }
}

#[rustfmt::skip]
const TABLES: &[(&str, Numerals)] = &[
    ("en", Numerals {
        separate: true,
        units: &[
            (0, "zero"), (1, "one"), (2, "two"), (3, "three"), (4, "four"), (5, "five"), (6, "six"), (7, "seven"),
            (8, "eight"), (9, "nine"), (10, "ten"), (11, "eleven"), (12, "twelve"), (13, "thirteen"), (14, "fourteen"),
            (15, "fifteen"), (16, "sixteen"), (17, "seventeen"), (18, "eighteen"), (19, "nineteen"),
        ],
        tens: &[
            (20, "twenty"), (30, "thirty"), (40, "forty"), (50, "fifty"), (60, "sixty"), (70, "seventy"), (80, "eighty"),
            (90, "ninety"),
        ],
        hundred: "hundred",
        hundreds: &[],
        scales: &[(1000, "thousand"), (1_000_000, "million")],
        joint: "and",
        homonyms: &[(1, "a/an")],
        loose: &[(2, "both"), (2, "couple"), (2, "twice"), (2, "pair"), (2, "double"), (12, "dozen"), (10, "decade"), (20, "twenties"), (30, "thirties"), (40, "forties"), (50, "fifties"), (60, "sixties"), (70, "seventies"), (80, "eighties"), (90, "nineties"), (15, "fortnight"), (12, "noon"), (12, "midnight")],
        articles: "",
    }),
    ("es", Numerals {
        separate: true,
        units: &[
            (0, "cero"), (1, "un/una/uno"), (2, "dos"), (3, "tres"), (4, "cuatro"), (5, "cinco"), (6, "seis"), (7, "siete"),
            (8, "ocho"), (9, "nueve"), (10, "diez"), (11, "once"), (12, "doce"), (13, "trece"), (14, "catorce"), (15, "quince"),
            (16, "dieciséis"), (17, "diecisiete"), (18, "dieciocho"), (19, "diecinueve"), (21, "veintiuno/veintiuna/veintiún"),
            (22, "veintidós"), (23, "veintitrés"), (24, "veinticuatro"), (25, "veinticinco"), (26, "veintiséis"),
            (27, "veintisiete"), (28, "veintiocho"), (29, "veintinueve"),
        ],
        tens: &[
            (20, "veinte"), (30, "treinta"), (40, "cuarenta"), (50, "cincuenta"), (60, "sesenta"), (70, "setenta"),
            (80, "ochenta"), (90, "noventa"),
        ],
        hundred: "",
        hundreds: &[
            (100, "cien/ciento"), (200, "doscientos/doscientas"), (300, "trescientos/trescientas"),
            (400, "cuatrocientos/cuatrocientas"), (500, "quinientos/quinientas"), (600, "seiscientos/seiscientas"),
            (700, "setecientos/setecientas"), (800, "ochocientos/ochocientas"), (900, "novecientos/novecientas"),
        ],
        scales: &[(1000, "mil"), (1_000_000, "millón/millones")],
        joint: "y",
        homonyms: &[],
        loose: &[(2, "ambos"), (2, "ambas"), (2, "par"), (2, "pareja"), (2, "doble"), (12, "docena"), (10, "década"), (12, "mediodía"), (12, "medianoche")],
        articles: "los/las/estos/estas/esos/esas/nosotros/ustedes/ellos",
    }),
    ("fr", Numerals {
        separate: true,
        units: &[
            (0, "zéro"), (1, "un/une"), (2, "deux"), (3, "trois"), (4, "quatre"), (5, "cinq"), (6, "six"), (7, "sept"),
            (8, "huit"), (10, "dix"), (11, "onze"), (12, "douze"), (13, "treize"), (14, "quatorze"), (15, "quinze"),
            (16, "seize"),
        ],
        tens: &[
            (20, "vingt/vingts"), (30, "trente"), (40, "quarante"), (50, "cinquante"), (60, "soixante"), (70, "septante"),
            (80, "huitante"), (90, "nonante"),
        ],
        hundred: "cent/cents",
        hundreds: &[],
        scales: &[(1000, "mille"), (1_000_000, "million/millions")],
        joint: "et",
        homonyms: &[(9, "neuf")],
        loose: &[(2, "paire"), (2, "double"), (2, "couple"), (12, "douzaine"), (15, "quinzaine"), (12, "midi"), (12, "minuit")],
        articles: "les/tous/ces/nos/vos/leurs",
    }),
    ("pt", Numerals {
        separate: true,
        units: &[
            (0, "zero"), (1, "um/uma"), (2, "dois/duas"), (3, "três"), (4, "quatro"), (5, "cinco"), (6, "seis"), (7, "sete"),
            (8, "oito"), (9, "nove"), (10, "dez"), (11, "onze"), (12, "doze"), (13, "treze"), (14, "catorze/quatorze"),
            (15, "quinze"), (16, "dezesseis/dezasseis"), (17, "dezessete/dezassete"), (18, "dezoito"), (19, "dezenove/dezanove"),
        ],
        tens: &[
            (20, "vinte"), (30, "trinta"), (40, "quarenta"), (50, "cinquenta"), (60, "sessenta"), (70, "setenta"),
            (80, "oitenta"), (90, "noventa"),
        ],
        hundred: "",
        hundreds: &[
            (100, "cem/cento"), (200, "duzentos/duzentas"), (300, "trezentos/trezentas"), (400, "quatrocentos/quatrocentas"),
            (500, "quinhentos/quinhentas"), (600, "seiscentos/seiscentas"), (700, "setecentos/setecentas"),
            (800, "oitocentos/oitocentas"), (900, "novecentos/novecentas"),
        ],
        scales: &[(1000, "mil"), (1_000_000, "milhão/milhões")],
        joint: "e",
        homonyms: &[],
        loose: &[(2, "ambos"), (2, "ambas"), (2, "par"), (2, "dobro"), (12, "dúzia"), (12, "meio-dia"), (12, "meia-noite")],
        articles: "os/as/estes/estas/esses/essas",
    }),
    // Numbers above twenty are one word each, so they cannot be read part by part.
    ("it", Numerals {
        separate: false,
        units: &[
            (1, "un/uno/una"), (2, "due"), (3, "tre"), (4, "quattro"), (5, "cinque"), (6, "sei"), (7, "sette"),
            (8, "otto"), (9, "nove"), (10, "dieci"), (11, "undici"), (12, "dodici"), (13, "tredici"),
            (14, "quattordici"), (15, "quindici"), (16, "sedici"), (17, "diciassette"), (18, "diciotto"),
            (19, "diciannove"),
        ],
        tens: &[
            (20, "venti"), (30, "trenta"), (40, "quaranta"), (50, "cinquanta"), (60, "sessanta"), (70, "settanta"),
            (80, "ottanta"), (90, "novanta"),
        ],
        hundred: "cento",
        hundreds: &[],
        scales: &[(1000, "mille")],
        joint: "",
        homonyms: &[],
        loose: &[],
        articles: "",
    }),
    // Numbers above twenty are one word each, so they cannot be read part by part.
    ("de", Numerals {
        separate: false,
        units: &[
            (1, "ein/eine/einen/einem/einer/eins"), (2, "zwei"), (3, "drei"), (4, "vier"), (5, "fünf"), (6, "sechs"),
            (7, "sieben"), (8, "acht"), (9, "neun"), (10, "zehn"), (11, "elf"), (12, "zwölf"), (13, "dreizehn"),
            (14, "vierzehn"), (15, "fünfzehn"), (16, "sechzehn"), (17, "siebzehn"), (18, "achtzehn"),
            (19, "neunzehn"),
        ],
        tens: &[
            (20, "zwanzig"), (30, "dreißig"), (40, "vierzig"), (50, "fünfzig"), (60, "sechzig"), (70, "siebzig"),
            (80, "achtzig"), (90, "neunzig"),
        ],
        hundred: "hundert",
        hundreds: &[],
        scales: &[(1000, "tausend")],
        joint: "",
        homonyms: &[],
        loose: &[],
        articles: "",
    }),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_value() {
        let forms = |language: &str, number| -> Vec<&str> {
            let table = Numerals::of(&language.parse().expect("a code")).expect("a table");
            table.forms(number).collect()
        };
        assert_eq!(forms("es", 1), ["un", "una", "uno"]);
        assert_eq!(forms("es", 100), ["cien", "ciento"]);
        assert_eq!(forms("es", 200), ["doscientos", "doscientas"]);
        assert_eq!(forms("de", 100), ["hundert"]);
        assert_eq!(forms("fr", 9), ["neuf"]);
        assert_eq!(forms("en", 1), ["one", "a", "an"]);
        assert!(forms("en", 25).is_empty() && forms("en", 12) == ["twelve"]);
    }

    #[test]
    fn no_word_means_two_values() {
        for (code, table) in TABLES {
            let mut seen = std::collections::BTreeMap::new();
            for (number, forms) in [table.units, table.tens, table.hundreds, table.scales].concat() {
                for form in forms.split('/') {
                    assert_eq!(seen.insert(form, number), None, "{code}: {form}");
                }
            }
        }
    }
}
