package cuba.screen.words

import cuba.ffi.Doubt
import cuba.screen.Message
import cuba.screen.Strings

internal val Arabic = Strings(
    code = "ar",
    rightToLeft = true,
    title = "ترجمة",
    onDevice = "يبقى على هذا الجهاز",
    findLanguage = "اكتشاف اللغة",
    found = "مكتشفة",
    fromLabel = "الترجمة من",
    toLabel = "الترجمة إلى",
    swap = "تبديل اللغتين",
    installedHere = "على هذا الجهاز",
    needPack = "تحتاج إلى حزمة",
    searchLanguages = "ابحث عن لغة",
    close = "إغلاق",
    hint = "اكتب نصًا أو الصقه",
    textLabel = "النص المراد ترجمته",
    clear = "مسح النص",
    resultLabel = "الترجمة",
    working = "جارٍ الترجمة",
    copy = "نسخ",
    copied = "تم النسخ",
    high = "تبدو صحيحة",
    medium = "صحيحة على الأرجح",
    low = "تحقّق منها قبل استعمالها",
    highMore = "لم تجد Cuba أي علامة على خطأ. ومع ذلك قد تخطئ: في الطب والقانون والمال اسأل إنسانًا.",
    mediumMore = "وجدت Cuba علامة شك صغيرة. المعنى صحيح على الأرجح، أما الصياغة فربما لا.",
    lowMore = "وجدت Cuba علامات على احتمال الخطأ. جرّب جملًا أقصر وأبسط، أو اسأل من يعرف اللغة.",
    why = "لماذا؟",
    whyNot = "أقل",
    via = { "تُرجم النص على خطوتين عبر: $it." },
    already = { "هذا النص بهذه اللغة أصلًا: $it." },
    translateTo = { "الترجمة إلى: $it" },
    doubt = {
        when (it) {
            Doubt.PASSED_THROUGH -> "تعذرت الترجمة: هذا نصك أنت."
            Doubt.EMPTY -> "خرجت الترجمة فارغة."
            Doubt.NUMBERS -> "عدد ناقص أو متغير أو زائد."
            Doubt.NEGATION -> "أحد الطرفين ينفي والآخر لا ينفي."
            Doubt.REBUILT -> "لزم تركيب كلمة محمية من جديد."
            Doubt.LENGTH -> "أطول أو أقصر بكثير مما ينبغي."
            Doubt.REPETITION -> "تتكرر الكلمات نفسها."
            Doubt.COPIED -> "مطابقة للأصل."
            Doubt.WRONG_LANGUAGE -> "لا تبدو باللغة التي طلبتها."
            Doubt.UNSURE -> "الصياغة غير مؤكدة."
            Doubt.HESITANT -> "كانت هناك صياغات أخرى تكاد تماثلها."
            Doubt.UNFAMILIAR -> "فيها كلمات لا تكاد Cuba تعرفها."
            Doubt.UNCOVERED -> "قد يكون جزء من نصك ناقصًا."
            Doubt.TRUNCATED -> "كان النص أطول من اللازم فتوقفت الترجمة مبكرًا."
            Doubt.SHORT -> "كلمة أو كلمتان وحدهما قد تحتملان معاني كثيرة."
            Doubt.PIVOT -> "تُرجم النص على خطوتين."
            Doubt.SPLIT -> "قُسمت جملة طويلة إلى اثنتين."
            Doubt.OTHER -> "هناك علامة شك أخرى."
        }
    },
    packsReady = { "الحزم على هذا الجهاز: $it" },
    noPacksTitle = "لا توجد حزم لغات بعد",
    noPackTitle = { from, to -> if (from != null) "لا توجد بعد حزمة من $from إلى $to" else "لا توجد بعد حزمة للغة $to" },
    packHow =
        "تترجم Cuba بحزم محفوظة على هذا الجهاز، فلا يخرج منه شيء مما تكتب. احصل على ملف حزمة (\u2066.cubapack\u2069) ممن لديه Cuba أو من حاسوب، ثم اختره هنا.",
    addPack = "إضافة حزمة",
    adding = "جارٍ إضافة الحزمة",
    cancel = "إلغاء",
    setUp = "جارٍ التحضير",
    whichTitle = "ما لغة هذا النص؟",
    termsTitle = { "الشروط: $it" },
    accept = "قبول وإضافة",
    decline = "عدم الإضافة",
    retry = "إعادة المحاولة",
    understood = "حسنًا",
    damaged = Message(
        "حزمة لغة تالفة",
        "لم يتأثر ما كتبته. أضف الحزمة مرة أخرى لإصلاحها.",
    ),
    notAPack = Message(
        "لا يمكن استعمال هذا الملف",
        "ليس حزمة Cuba، أو لم يصل كاملًا. لم يتغير شيء. احصل على الملف من جديد ثم اختره.",
    ),
    noSpace = { missing ->
        Message("الجهاز ممتلئ", if (missing != null) "حرّر نحو $missing ثم أضف الحزمة مرة أخرى. لم يتغير شيء." else "حرّر مساحة ثم أضف الحزمة مرة أخرى. لم يتغير شيء.")
    },
    noMemory = Message(
        "الذاكرة لا تكفي الآن",
        "أغلق تطبيقات أخرى وأعد المحاولة، أو استعمل حزمة أصغر.",
    ),
    busy = Message(
        "هناك عمل آخر يستعمل هذا",
        "انتظر لحظة ثم أعد المحاولة.",
    ),
    notWritable = Message(
        "لا تستطيع Cuba الكتابة في مجلدها",
        "تحقّق مما إذا كان التخزين للقراءة فقط، أو امنح Cuba إذن الكتابة.",
    ),
    updateApp = Message(
        "تحتاج Cuba إلى تحديث",
        "أجزاء من التطبيق لا تتوافق، أو كتبت هذه البيانات نسخة أحدث. ثبّت أحدث نسخة؛ بياناتك باقية.",
    ),
    failed = Message(
        "لم ينجح ذلك",
        "أعد المحاولة. وإن تكرر الأمر فأخبر المطورين بما هو مكتوب أدناه.",
    ),
)
