package cuba.screen.words

import cuba.ffi.Doubt
import cuba.screen.Message
import cuba.screen.Strings

internal val Spanish = Strings(
    code = "es",
    title = "Traducir",
    onDevice = "Se queda en este dispositivo",
    findLanguage = "Detectar idioma",
    found = "detectado",
    fromLabel = "Traducir de",
    toLabel = "Traducir a",
    swap = "Intercambiar idiomas",
    installedHere = "En este dispositivo",
    needPack = "Necesitan un paquete",
    searchLanguages = "Buscar idiomas",
    close = "Cerrar",
    hint = "Escribe o pega un texto",
    textLabel = "Texto para traducir",
    clear = "Borrar el texto",
    resultLabel = "Traducción",
    working = "Traduciendo",
    copy = "Copiar",
    copied = "Copiado",
    high = "Parece correcto",
    medium = "Probablemente correcto",
    low = "Revísalo antes de usarlo",
    highMore =
        "Cuba no ha visto señales de error. Aun así puede equivocarse: para medicina, leyes o dinero, pregunta a una persona.",
    mediumMore =
        "Cuba ha visto una pequeña señal de duda. Lo más probable es que el sentido esté bien; las palabras quizá no.",
    lowMore =
        "Cuba ha visto señales de que puede estar mal. Prueba con frases más cortas y sencillas, o pregunta a alguien que sepa el idioma.",
    why = "¿Por qué?",
    whyNot = "Menos",
    via = { "Traducido en dos pasos, pasando por $it." },
    already = { "Esto ya está en $it." },
    translateTo = { "Traducir a: $it" },
    doubt = {
        when (it) {
            Doubt.PASSED_THROUGH -> "No se pudo traducir: este es tu propio texto."
            Doubt.EMPTY -> "La traducción salió vacía."
            Doubt.NUMBERS -> "Falta un número, ha cambiado o sobra."
            Doubt.NEGATION -> "Un lado dice «no» y el otro no."
            Doubt.REBUILT -> "Hubo que recomponer una palabra protegida."
            Doubt.LENGTH -> "Es mucho más largo o más corto de lo que debería."
            Doubt.REPETITION -> "Se repiten las mismas palabras."
            Doubt.COPIED -> "Es igual que el original."
            Doubt.WRONG_LANGUAGE -> "No parece el idioma que pediste."
            Doubt.UNSURE -> "Las palabras elegidas son inciertas."
            Doubt.HESITANT -> "Había otras formas casi igual de buenas."
            Doubt.UNFAMILIAR -> "Hay palabras que Cuba apenas conoce."
            Doubt.UNCOVERED -> "Puede faltar una parte de tu texto."
            Doubt.TRUNCATED -> "Era demasiado largo y se corta antes del final."
            Doubt.SHORT -> "Una o dos palabras solas pueden significar muchas cosas."
            Doubt.PIVOT -> "Se tradujo en dos pasos."
            Doubt.SPLIT -> "Una frase larga se cortó en dos."
            Doubt.OTHER -> "Hay alguna otra señal de duda."
        }
    },
    packsReady = { "Paquetes en este dispositivo: $it" },
    noPacksTitle = "Aún no hay paquetes de idiomas",
    noPackTitle = { from, to -> if (from != null) "Aún no hay paquete de $from a $to" else "Aún no hay paquete para $to" },
    packHow =
        "Cuba traduce con paquetes que viven en este dispositivo; así, nada de lo que escribes sale de él. Consigue un archivo de paquete (.cubapack) de alguien que tenga Cuba, o desde un ordenador, y elígelo aquí.",
    addPack = "Añadir un paquete",
    adding = "Añadiendo el paquete",
    cancel = "Cancelar",
    setUp = "Preparando",
    whichTitle = "¿Qué idioma es?",
    termsTitle = { "Condiciones: $it" },
    accept = "Aceptar y añadir",
    decline = "No añadir",
    retry = "Reintentar",
    understood = "De acuerdo",
    damaged = Message(
        "Un paquete de idioma está dañado",
        "Lo que has escrito no se ha tocado. Añade el paquete otra vez para repararlo.",
    ),
    notAPack = Message(
        "Este archivo no sirve",
        "No es un paquete de Cuba o no llegó entero. No se ha cambiado nada. Consigue el archivo otra vez y elígelo de nuevo.",
    ),
    noSpace = { missing ->
        Message("El dispositivo está lleno", if (missing != null) "Libera unos $missing y añade el paquete otra vez. No se ha cambiado nada." else "Libera espacio y añade el paquete otra vez. No se ha cambiado nada.")
    },
    noMemory = Message(
        "Ahora mismo no hay memoria suficiente",
        "Cierra otras aplicaciones y reinténtalo, o usa un paquete más pequeño.",
    ),
    busy = Message(
        "Otra tarea lo está usando",
        "Espera un momento y reinténtalo.",
    ),
    notWritable = Message(
        "Cuba no puede escribir en su carpeta",
        "Mira si el almacenamiento es de solo lectura, o da permiso a Cuba para escribir ahí.",
    ),
    updateApp = Message(
        "Hay que actualizar Cuba",
        "Hay partes de la aplicación que no encajan, o estos datos son de una versión más nueva. Instala la última; tus datos se conservan.",
    ),
    failed = Message(
        "No ha funcionado",
        "Reinténtalo. Si vuelve a pasar, cuenta a los autores lo que pone abajo.",
    ),
)
