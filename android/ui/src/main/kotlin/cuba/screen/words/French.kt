package cuba.screen.words

import cuba.ffi.Doubt
import cuba.screen.Message
import cuba.screen.Strings

internal val French = Strings(
    code = "fr",
    title = "Traduire",
    onDevice = "Reste sur cet appareil",
    findLanguage = "Détecter la langue",
    found = "langue détectée",
    fromLabel = "Traduire depuis",
    toLabel = "Traduire vers",
    swap = "Inverser les langues",
    installedHere = "Sur cet appareil",
    needPack = "Il faut un pack",
    searchLanguages = "Chercher une langue",
    close = "Fermer",
    hint = "Écrivez ou collez un texte",
    textLabel = "Texte à traduire",
    clear = "Effacer le texte",
    resultLabel = "Traduction",
    working = "Traduction en cours",
    copy = "Copier",
    copied = "Copié",
    high = "Semble juste",
    medium = "Probablement juste",
    low = "À vérifier avant usage",
    highMore =
        "Cuba n’a vu aucun signe d’erreur. Il peut quand même se tromper : pour la santé, le droit ou l’argent, demandez à une personne.",
    mediumMore = "Cuba a vu un petit signe de doute. Le sens y est très probablement ; les mots peut-être pas.",
    lowMore =
        "Cuba a vu des signes d’erreur possible. Essayez des phrases plus courtes et plus simples, ou demandez à quelqu’un qui connaît la langue.",
    why = "Pourquoi ?",
    whyNot = "Moins",
    via = { "Traduit en deux étapes, en passant par : $it." },
    already = { "C’est déjà dans cette langue : $it." },
    translateTo = { "Traduire vers : $it" },
    doubt = {
        when (it) {
            Doubt.PASSED_THROUGH -> "Aucune traduction possible : c’est votre propre texte."
            Doubt.EMPTY -> "La traduction est vide."
            Doubt.NUMBERS -> "Un nombre manque, a changé ou est en trop."
            Doubt.NEGATION -> "Un côté dit « ne pas », l’autre non."
            Doubt.REBUILT -> "Un mot protégé a dû être recomposé."
            Doubt.LENGTH -> "C’est bien plus long ou plus court que prévu."
            Doubt.REPETITION -> "Les mêmes mots se répètent."
            Doubt.COPIED -> "C’est identique à l’original."
            Doubt.WRONG_LANGUAGE -> "Cela ne ressemble pas à la langue demandée."
            Doubt.UNSURE -> "La formulation est incertaine."
            Doubt.HESITANT -> "D’autres formulations étaient presque aussi bonnes."
            Doubt.UNFAMILIAR -> "Il y a des mots que Cuba connaît à peine."
            Doubt.UNCOVERED -> "Une partie de votre texte manque peut-être."
            Doubt.TRUNCATED -> "C’était trop long et s’arrête avant la fin."
            Doubt.SHORT -> "Un ou deux mots seuls peuvent avoir bien des sens."
            Doubt.PIVOT -> "La traduction s’est faite en deux étapes."
            Doubt.SPLIT -> "Une longue phrase a été coupée en deux."
            Doubt.OTHER -> "Il y a un autre signe de doute."
        }
    },
    packsReady = { "Packs sur cet appareil : $it" },
    noPacksTitle = "Pas encore de pack de langue",
    noPackTitle = { from, to -> if (from != null) "Pas encore de pack de $from vers $to" else "Pas encore de pack pour $to" },
    packHow =
        "Cuba traduit avec des packs gardés sur cet appareil : rien de ce que vous écrivez n’en sort. Procurez-vous un fichier de pack (.cubapack) auprès d’une personne qui a Cuba, ou depuis un ordinateur, et choisissez-le ici.",
    addPack = "Ajouter un pack",
    adding = "Ajout du pack",
    cancel = "Annuler",
    setUp = "Préparation",
    whichTitle = "Quelle est cette langue ?",
    termsTitle = { "Conditions : $it" },
    accept = "Accepter et ajouter",
    decline = "Ne pas ajouter",
    retry = "Réessayer",
    understood = "D’accord",
    damaged = Message(
        "Un pack de langue est abîmé",
        "Votre texte n’est pas touché. Ajoutez le pack de nouveau pour le réparer.",
    ),
    notAPack = Message(
        "Ce fichier ne convient pas",
        "Ce n’est pas un pack Cuba, ou il n’est pas arrivé entier. Rien n’a changé. Procurez-vous le fichier de nouveau, puis choisissez-le.",
    ),
    noSpace = { missing ->
        Message("L’appareil est plein", if (missing != null) "Libérez environ $missing, puis ajoutez le pack de nouveau. Rien n’a changé." else "Libérez de la place, puis ajoutez le pack de nouveau. Rien n’a changé.")
    },
    noMemory = Message(
        "Pas assez de mémoire pour l’instant",
        "Fermez d’autres applications et réessayez, ou prenez un pack plus petit.",
    ),
    busy = Message(
        "Une autre tâche s’en sert",
        "Attendez un instant et réessayez.",
    ),
    notWritable = Message(
        "Cuba ne peut pas écrire dans son dossier",
        "Voyez si le stockage est en lecture seule, ou autorisez Cuba à y écrire.",
    ),
    updateApp = Message(
        "Cuba doit être mis à jour",
        "Des parties de l’application ne vont pas ensemble, ou ces données viennent d’une version plus récente. Installez la dernière ; vos données restent.",
    ),
    failed = Message(
        "Cela n’a pas marché",
        "Réessayez. Si cela se reproduit, dites aux auteurs ce qui est écrit ci-dessous.",
    ),
)
