package cuba.screen.words

import cuba.ffi.Doubt
import cuba.screen.Message
import cuba.screen.Strings

internal val Portuguese = Strings(
    code = "pt",
    title = "Traduzir",
    onDevice = "Fica neste aparelho",
    findLanguage = "Detectar idioma",
    found = "detectado",
    fromLabel = "Traduzir de",
    toLabel = "Traduzir para",
    swap = "Trocar os idiomas",
    installedHere = "Neste aparelho",
    needPack = "Precisam de um pacote",
    searchLanguages = "Procurar idiomas",
    close = "Fechar",
    hint = "Escreva ou cole um texto",
    textLabel = "Texto para traduzir",
    clear = "Apagar o texto",
    resultLabel = "Tradução",
    working = "Traduzindo",
    copy = "Copiar",
    copied = "Copiado",
    high = "Parece certo",
    medium = "Provavelmente certo",
    low = "Confira antes de usar",
    highMore =
        "O Cuba não viu sinal de erro. Mesmo assim pode errar: para saúde, leis ou dinheiro, pergunte a uma pessoa.",
    mediumMore =
        "O Cuba viu um pequeno sinal de dúvida. O sentido muito provavelmente está certo; as palavras talvez não.",
    lowMore =
        "O Cuba viu sinais de que isto pode estar errado. Tente frases mais curtas e simples, ou pergunte a quem sabe o idioma.",
    why = "Por quê?",
    whyNot = "Menos",
    via = { "Traduzido em dois passos, passando por: $it." },
    already = { "Isto já está neste idioma: $it." },
    translateTo = { "Traduzir para: $it" },
    doubt = {
        when (it) {
            Doubt.PASSED_THROUGH -> "Não foi possível traduzir: este é o seu próprio texto."
            Doubt.EMPTY -> "A tradução saiu vazia."
            Doubt.NUMBERS -> "Um número falta, mudou ou sobra."
            Doubt.NEGATION -> "Um lado diz “não” e o outro não."
            Doubt.REBUILT -> "Uma palavra protegida teve de ser recomposta."
            Doubt.LENGTH -> "É muito mais longo ou mais curto do que deveria."
            Doubt.REPETITION -> "As mesmas palavras se repetem."
            Doubt.COPIED -> "É igual ao original."
            Doubt.WRONG_LANGUAGE -> "Não parece o idioma que você pediu."
            Doubt.UNSURE -> "A escolha das palavras é incerta."
            Doubt.HESITANT -> "Havia outras formas quase tão boas."
            Doubt.UNFAMILIAR -> "Há palavras que o Cuba mal conhece."
            Doubt.UNCOVERED -> "Pode faltar uma parte do seu texto."
            Doubt.TRUNCATED -> "Era longo demais e para antes do fim."
            Doubt.SHORT -> "Uma ou duas palavras sozinhas podem ter muitos sentidos."
            Doubt.PIVOT -> "Foi traduzido em dois passos."
            Doubt.SPLIT -> "Uma frase longa foi cortada em duas."
            Doubt.OTHER -> "Há algum outro sinal de dúvida."
        }
    },
    packsReady = { "Pacotes neste aparelho: $it" },
    noPacksTitle = "Ainda não há pacotes de idiomas",
    noPackTitle = { from, to -> if (from != null) "Ainda não há pacote de $from para $to" else "Ainda não há pacote para $to" },
    packHow =
        "O Cuba traduz com pacotes que ficam neste aparelho; nada do que você escreve sai dele. Consiga um arquivo de pacote (.cubapack) com alguém que tem o Cuba, ou de um computador, e escolha-o aqui.",
    addPack = "Adicionar um pacote",
    adding = "Adicionando o pacote",
    cancel = "Cancelar",
    setUp = "Preparando",
    whichTitle = "Que idioma é este?",
    termsTitle = { "Termos: $it" },
    accept = "Aceitar e adicionar",
    decline = "Não adicionar",
    retry = "Tentar de novo",
    understood = "Está bem",
    damaged = Message(
        "Um pacote de idioma está danificado",
        "O que você escreveu não foi afetado. Adicione o pacote de novo para consertá-lo.",
    ),
    notAPack = Message(
        "Este arquivo não serve",
        "Não é um pacote do Cuba, ou não chegou inteiro. Nada mudou. Consiga o arquivo de novo e escolha-o outra vez.",
    ),
    noSpace = { missing ->
        Message("O aparelho está cheio", if (missing != null) "Libere cerca de $missing e adicione o pacote de novo. Nada mudou." else "Libere espaço e adicione o pacote de novo. Nada mudou.")
    },
    noMemory = Message(
        "Falta memória neste momento",
        "Feche outros aplicativos e tente de novo, ou use um pacote menor.",
    ),
    busy = Message(
        "Outra tarefa está usando isto",
        "Espere um momento e tente de novo.",
    ),
    notWritable = Message(
        "O Cuba não consegue escrever na sua pasta",
        "Veja se o armazenamento é só de leitura, ou dê permissão ao Cuba para escrever ali.",
    ),
    updateApp = Message(
        "O Cuba precisa de atualização",
        "Há partes do aplicativo que não combinam, ou estes dados são de uma versão mais nova. Instale a mais recente; os seus dados ficam.",
    ),
    failed = Message(
        "Não deu certo",
        "Tente de novo. Se acontecer outra vez, conte aos autores o que está escrito abaixo.",
    ),
)
