"""Texts that tokenizers disagree about. The order is part of the golden files: add at the end."""

WORDS = (
    "the model reads every adapter of a frozen encoder once and each task pays only for its own "
    "branch while trunk rows are shared between requests that ask for different depth limits"
).split()

LATIN = [
    "", " ", "     ", "\t", "\n", "\r\n", "\u00a0", "\u3000 \u2003", "a", "A", ".", "...", "?!",
    "Hello, world!", "hello   world", " leading", "trailing ", "one\ttwo\nthree\r\nfour",
    "THE QUICK BROWN FOX", "The Quick bRoWn fox's tail", "don't can't won't", "it's 5 o'clock",
    "e-mail@example.com", "https://example.com/a?b=c&d=%20#e", "C++20 && x->y != *z;", "a_b__c",
    "3.14159 -2,000,000.00 1e-9 0x1F", "1st 2nd 3rd 42nd", "$5 €6 £7 ¥8 ₹9 ₿1", "50% ± 0.5‰",
    "Zürich, Málaga, Łódź, Ærø, Ístanbul", "naïve façade déjà vu", "NAÏVE FAÇADE DÉJÀ VU",
    "Straße STRASSE ẞ", "İstanbul ıssız", "ﬁnance ﬂow ﬀ ﬃ", "Ǆ ǅ ǆ ĳ Ĳ", "ſhort ſ",
    "Œuvre œuvre Æsir æsir Ðorn þing", "Việt Nam phở bò", "Ḧëävÿ Ṁëẗäl Ụ̈m̈l̈äüt̤",
    "½ ¼ ⅔ x² y³ H₂O", "™ © ® № ℃ Å Ω", "Ⅳ ⅷ ① ⓐ ㊀", "ＦＵＬＬ ｗｉｄｔｈ １２３", "𝐛𝐨𝐥𝐝 𝒾𝓉𝒶𝓁𝒾𝒸 𝟘𝟙𝟚",
]

COMBINING = [
    "e\u0301", "E\u0301cole", "a\u0300\u0301\u0302\u0303", "\u0301", "\u0301 a", "n\u0303 \u00f1",
    "o\u0302\u0323 \u1ed9", "\u1e9b\u0323", "q\u0307\u0323", "Z\u0335a\u0336l\u0337g\u0338o\u0321",
    "\u212b \u00c5 A\u030a", "i\u0307 \u0130", "\u0958 \u0915\u093c", "\u0e19\u0e49\u0e33",
    "x" + "\u0301" * 40, "\u20dd\u20e3 1\u20e3", "a\ufe0f b\ufe0e", "\u034f c\u034fd",
]

SCRIPTS = [
    "你好世界", "中文 and English 混合", "漢字かな交じり文", "東京タワー", "カタカナ ｶﾀｶﾅ ﾊﾟ", "ひらがな",
    "안녕하세요 세계", "\u1112\u1161\u11ab\u1100\u1173\u11af", "한글 test 漢字", "㐀㐁 𠀀𠀁 𪚥 \U00030000",
    "豈更車 \U0002f800", "⺀⻳ ⼀⼁", "，。！？「」『』【】", "々〆〇 〡〢", "ㄅㄆㄇ", "ꀀꀁ",
    "Привет, мир!", "ЁЖИК ёжик Йод", "Ђорђе Ћирић", "Γειά σου Κόσμε", "ΟΔΟΣ ΣΊΣΥΦΟΣ ς σ", "ΐ ΰ ᾳ ᾼ",
    "مرحبا بالعالم", "اَلْعَرَبِيَّةُ", "ﷺ ﻻ ﺍﻟ", "١٢٣٤٥ ۱۲۳", "كـــــتاب", "שלום עולם", "שָׁלוֹם", "יִּ שׁ",
    "नमस्ते दुनिया", "क्षत्रिय ज्ञान श्री", "বাংলা ভাষা", "தமிழ் மொழி", "తెలుగు", "ಕನ್ನಡ", "മലയാളം", "ગુજરાતી",
    "ਪੰਜਾਬੀ", "සිංහල", "สวัสดีชาวโลก", "ພາສາລາວ", "မြန်မာဘာသာ", "ភាសាខ្មែរ", "ཀ་ཁ་ག་ང་", "ᠮᠣᠩᠭᠣᠯ",
    "ქართული ენა ᲥᲐᲠᲗᲣᲚᲘ", "Հայերեն լեզու և", "አማርኛ ቋንቋ", "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ ꭰꭱ", "ᚠᚢᚦᚨᚱᚲ", "𐎀𐎁𐎂 𒀀𒀁",
    "𐐀𐐁 𐐨𐐩", "abcабвαβγאבג", "aбвг\u4e2dдa", "раураl vs paypal", "x中y文z", "1中2文3",
]

EMOJI = [
    "😀", "😀😃😄", "good 👍🏽 bad 👎🏿", "👨‍👩‍👧‍👦", "👩🏽‍💻 codes", "🏳️‍🌈🏴‍☠️", "🇩🇪🇫🇷🇯🇵", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "❤️ ❤", "1️⃣ 2️⃣ #️⃣", "☀☁☂ ♠♥ ♔", "a😀b😀c", "🤷🏻‍♀️🤷‍♂️", "\u200d", "👨\u200d", "¯\\_(ツ)_/¯", "ʕ•ᴥ•ʔ", "→ ⇒ ∀x∈ℝ: ∑√∞ ≠ ≤",
    "─│┌┐ ▀▄█ ░▒▓", "♪♫ ♭♯ 𝄞", "🀀🂡🎴",
]

CONTROL = [
    "\x00", "a\x00b", "\x01\x02\x03", "a\x07b\x08c", "\x1b[31mred\x1b[0m", "\x7f", "\x80\x85\x9f", "a\u0085b",
    "\u200b", "zero\u200bwidth\u200cjoin\u200dno", "\ufeffBOM first", "mid\ufeffBOM", "\u2028 \u2029",
    "\u202eright to left\u202c", "\u2066iso\u2069", "soft\u00adhyphen", "\ufffd", "\ufffe\uffff", "\ufdd0\ufdef",
    "\u0378\u0379", "\u2065 \u05ff", "\ue000\uf8ff", "\U000f0000\U0010ffff", "\U000e0001\U000e0020", "\u180e\u2060\u2063",
    "a\x0bb\x0cc", "\x1c\x1d\x1e\x1f", "\ufff9\ufffa\ufffb", "\u1680\u2000\u200a\u202f\u205f", "\r\r\n\n\t\t",
]

SPECIAL_TOKENS = [
    "[SEP]", "[CLS]", "[PAD]", "[MASK]", "[UNK]", "a [SEP] b", "a[SEP]b", "[CLS][SEP][PAD]", "[ SEP ]", "[sep] [cls]",
    "[SEP", "SEP]", "[[SEP]]", "the capital of [MASK] is [MASK].", "[SEP]" * 20, "<s> </s> <pad> <unk> <mask>",
    "a<s>b</s>c", "##ing", "play ##ing ##", "# ## ### ####", "<|endoftext|>", "[unused1]", "\u2581under \u0120g",
]

LONG = [
    "a" * 99, "a" * 100, "a" * 101, "a" * 500, "é" * 100, "e\u0301" * 60, "中" * 150, "😀" * 120, "." * 130, "ab" * 50 + " ok",
    "-".join(["word"] * 60), " ".join("abcdefghijklmnopqrstuvwxyz"), "supercalifragilisticexpialidocious" * 3,
    " ".join(WORDS), " ".join(reversed(WORDS)), " ".join(w.upper() for w in WORDS), " ".join(WORDS[i * 7 % len(WORDS)] for i in range(100)),
    " ".join(WORDS[(i * i + 3 * i) % len(WORDS)] for i in range(1000)), "word " * 126, "word " * 127,
]

TEXTS = LATIN + COMBINING + SCRIPTS + EMOJI + CONTROL + SPECIAL_TOKENS + LONG
