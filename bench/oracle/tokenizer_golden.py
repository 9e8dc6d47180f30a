#!/usr/bin/env python3
"""Writes golden token ids: what llama.cpp makes of thousands of texts.

    python -m venv oracle && oracle/bin/pip install llama-cpp-python
    oracle/bin/python bench/oracle/tokenizer_golden.py --model FILE.gguf \
        --out common/src/test/resources/golden/tokenizer-NAME.jsonl.gz

The texts are generated from a seed (code, emoji, CJK, Arabic, control characters, text of special
tokens, runs of spaces, random Unicode), after a few written by hand; --inputs FILE adds one text a
line (JSON strings). Format of the file, gzip over UTF-8 lines:

    {"vocab": N, "pieces": SHA-256 over all tokens' bytes, each after its length in 4 bytes, big-endian}
    ["text", [ids, special tokens are text], [ids, special tokens are tokens] or null if the same]

No id is BOS or EOS added by the tokenizer. The same seed and model give the same bytes.
"""

import argparse
import ctypes
import gzip
import hashlib
import io
import json
import random
import struct
import sys

HAND = [
    "", " ", "  ", "   ", "\t", "\n", "\n\n", "\n\n\n", "\t\n", "\r\n", "\r\n\r\n", " \n \n", "a\rb", "\x00", "a\x00b",
    "Hello world", " Hello world", "Hello, y'all! How are you 😁 ?我想在apple工作1314151天～", "'s't're've'm'll'd 'S'T'RE'VE'M'LL'D",
    "3.14159265358979 1,000,000 0x1F 1e-9 ½ ² Ⅷ ٣٤٥ १२३", "don't can't I'll we've it's they're I'd I'm O'Neill rock'n'roll",
    "    def f(x):\n        return x ** 2\n\n\n\n    # end\n", "\ufeffBOM at the start", "zero\u200bwidth\u200djoin\u2060er \u00ad soft",
    "e\u0301 vs é, a\u0308o\u0308u\u0308, \u1100\u1161\u11a8 vs 각", "👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇫🇷 👍🏽 ✅ ☃️ #️⃣", "مرحبا بالعالم، كيف حالك؟", "שלום עולם",
    "नमस्ते दुनिया", "สวัสดีชาวโลก", "こんにちは世界。カタカナ、ひらがな", "안녕하세요 세계", "Привет, мир!", "Γειά σου Κόσμε", "\u2028\u2029\u0085\u00a0\u3000\u1680",
    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "<|im_start|><|im_start|>", "<|im_start", "|im_start|>", "< |im_start|>", "<|im_<|im_end|>start|>",
    "<bos><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n", "<eos><pad><unk><mask>", "</s><s>", "[INST] <<SYS>> x <</SYS>> [/INST]",
    "<|endoftext|>", "<file_sep><repo_name><jupyter_code><reponame>", "<0x0A><0x41>", "▁▁a ▁ b▁", "<unused0><unused99> [multimodal]", "<h1>title</h1><table><tr><td>1</td></tr></table><i></i>",
    "\U0010ffff\ufffd\ufffe\uffff\U0001f600", "a" * 300, " " * 300, "\n" * 100, "ab" * 200, "ß" * 120, "漢" * 120, "🦙" * 60, "-" * 90, "1" * 90, "=" * 33 + "\n" + "~" * 17,
]

WORDS = (
    "the of and to in is that for it as was with be by on not he his but at are this have from or had an they which one you were "
    "all her she there would their we him been has when who will no more if out so up said what its about than into them can only "
    "other time new some could these two may first then do any like my now over such our man me even most made after also did many "
    "Paris Einstein NASA iPhone GPU kubectl tokenizer prefill decode throughput cache latency schedule naïve café façade coöperate "
    "don't it's we'll I'm they've you'd shouldn't antidisestablishmentarianism pneumonoultramicroscopic xylophone"
).split()
CODE = [
    "for (int i = 0; i < n; i++) {\n", "    return self._x[i:j]\n", "if err != nil {\n\t\treturn nil, err\n\t}\n", "SELECT * FROM t WHERE a >= 3 AND b != 'x';\n",
    "#include <stdio.h>\n", "const f = (a, b) => a?.b ?? c;\n", "\tfn main() -> Result<(), Box<dyn Error>> {\n", "<div class=\"a b\">&nbsp;</div>\n", "x = {'k': [1, 2.5e-3, None]}\n",
    "// TODO(bob): 100% wrong!!\n", "/* --- */\n", "$ sudo rm -rf /tmp/x && echo $?\n", "\\frac{a}{b} \\sum_{i=0}^{n} x_i\n", "0xDEADBEEF >> 3 | ~mask\n", "https://example.org/a/b?q=1&r=%20#frag\n",
    "        \n", "\n\n", "  - item: \"value\"\n", "```python\nprint('hi')\n```\n", "@Override\npublic <T extends Foo> List<? super T> get() {}\n", "a\tb\tc\t\t\td\n",
]
EMOJI = "😀😁😂🤣😅😊😍🤔🙄😴🤖👻💩👍👎👏🙏💪🚀🔥✨🎉❤️💔🦙🐍🦀☕🍕🏳️‍🌈👩‍💻👨‍👩‍👧🇯🇵🇧🇷👋🏿⚡☃️✅❌™©①"
CJK = "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年過発電車駅東京大阪日本語한국어안녕하세요감사합니다。，！？「」、"
KANA = "あいうえおかきくけこさしすせそたちつてとアイウエオカキクケコーッャュョ"
ARABIC = "ابتثجحخدذرزسشصضطظعغفقكلمنهويىةءآأؤإئ ًٌٍَُِّْ،؟٠١٢٣٤٥٦٧٨٩"
MIXED = "אבגדהוזחטי कखगघङचछजझञािीुूेै กขคงจฉชซฌ ΑΒΓΔαβγδ АБВГабвг ԱԲԳ ႠႡႢ ሀሁሂ ᠠᠡᠢ ⠁⠃ 𝒜𝔅ℂ ǅǈ ºª"
CONTROL = [chr(c) for c in list(range(0, 32)) + [127, 128, 133, 159, 160, 173]] + ["\u200b", "\u200e", "\u202e", "\u2028", "\ufeff", "\ufff9"]
SPACES = [" ", "  ", "    ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", "\v", "\f"]
PUNCT = list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") + ["...", "--", "—", "«", "»", "“", "”", "‘", "’", "¿", "¡", "€", "§", "->", "=>", "::", "!=", "&&"]


def unicode_char(rng):
    while True:
        c = rng.choice([rng.randrange(0x80, 0x800), rng.randrange(0x800, 0x10000), rng.randrange(0x10000, 0x20000), rng.randrange(0x20000, 0x110000)])
        if not 0xD800 <= c <= 0xDFFF:
            return chr(c)


def generate(rng, specials):
    def some(chars, low, high):
        return "".join(rng.choice(chars) for _ in range(rng.randrange(low, high)))

    kinds = {
        "prose": lambda: " ".join(rng.choice(WORDS) + rng.choice(["", "", "", ",", ".", "!", "?", ";"]) for _ in range(rng.randrange(3, 25))),
        "code": lambda: "".join(rng.choice(CODE) for _ in range(rng.randrange(1, 6))),
        "emoji": lambda: some(EMOJI, 1, 20),
        "cjk": lambda: some(CJK + KANA, 1, 40),
        "arabic": lambda: some(ARABIC, 1, 40),
        "mixed": lambda: some(MIXED, 1, 40),
        "control": lambda: "".join(rng.choice(CONTROL + WORDS[:20]) for _ in range(rng.randrange(1, 15))),
        "special": lambda: "".join(rng.choice(specials + WORDS[:30] + SPACES) for _ in range(rng.randrange(1, 10))),
        "broken": lambda: "".join(t[rng.randrange(0, 3):len(t) - rng.randrange(0, 3)] for t in rng.choices(specials, k=rng.randrange(1, 6))),
        "spaces": lambda: "".join(rng.choice(SPACES) * rng.randrange(1, 9) + rng.choice(["", "", "a", "word", "7", "?"]) for _ in range(rng.randrange(1, 8))),
        "digits": lambda: "".join(rng.choice("0123456789,. eE+-x٠१²") for _ in range(rng.randrange(1, 30))),
        "punct": lambda: "".join(rng.choice(PUNCT + [" ", "a", "Z"]) for _ in range(rng.randrange(1, 25))),
        "unicode": lambda: "".join(unicode_char(rng) for _ in range(rng.randrange(1, 20))),
        "case": lambda: "".join(rng.choice([str.upper, str.lower, str.title])(rng.choice(WORDS)) + rng.choice(["", "_", "-", " "]) for _ in range(rng.randrange(1, 10))),
    }
    parts = [kinds[rng.choice(list(kinds))]() for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    return rng.choice(["", "", " ", "\n"]).join(parts)[:400]


class Model:
    def __init__(self, path):
        import llama_cpp

        self.api = llama_cpp
        self.quiet = llama_cpp.llama_log_callback(lambda level, text, data: None)
        llama_cpp.llama_log_set(self.quiet, ctypes.c_void_p(0))
        params = llama_cpp.llama_model_default_params()
        params.vocab_only = True
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), params)
        if not self.model:
            sys.exit(f"{path}: llama.cpp cannot load it")
        self.vocab = llama_cpp.llama_model_get_vocab(self.model)
        self.size = llama_cpp.llama_vocab_n_tokens(self.vocab)

    def ids(self, text, special):
        raw = text.encode()
        buffer = (ctypes.c_int32 * (len(raw) + 16))()
        n = self.api.llama_tokenize(self.vocab, raw, len(raw), buffer, len(buffer), False, special)
        if n < 0:
            sys.exit(f"llama.cpp: {n} for {text!r}")
        return list(buffer[:n])

    def piece(self, token):
        buffer = ctypes.create_string_buffer(1 << 15)
        n = self.api.llama_token_to_piece(self.vocab, token, buffer, len(buffer), 0, True)
        return buffer.raw[: max(n, 0)]

    def specials(self):
        names = []
        for token in range(self.size):
            attr = self.api.llama_vocab_get_attr(self.vocab, token)
            if attr & (self.api.LLAMA_TOKEN_ATTR_CONTROL | self.api.LLAMA_TOKEN_ATTR_USER_DEFINED):
                names.append(self.api.llama_vocab_get_text(self.vocab, token).decode())
        # Few of thousands of placeholders, so that the others are seen too.
        unused = [n for n in names if "unused" in n]
        return [n for n in names if "unused" not in n] + unused[:5]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="GGUF file")
    parser.add_argument("--out", required=True, help="file to write, .gz")
    parser.add_argument("--inputs", help="file with one JSON string a line, added to the texts")
    parser.add_argument("--texts", type=int, default=2200, help="number of texts in all (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(default %(default)s)")
    args = parser.parse_args()

    model = Model(args.model)
    rng = random.Random(args.seed)
    specials = model.specials() or ["<|special|>"]
    texts = list(HAND)
    if args.inputs:
        with open(args.inputs, encoding="utf-8") as lines:
            texts += [json.loads(line) for line in lines]
    seen = set(texts)
    while len(texts) < args.texts:
        text = generate(rng, specials)
        if text not in seen:
            seen.add(text)
            texts.append(text)

    digest = hashlib.sha256()
    for token in range(model.size):
        piece = model.piece(token)
        digest.update(struct.pack(">i", len(piece)) + piece)
    lines = [json.dumps({"vocab": model.size, "pieces": digest.hexdigest()})]
    for text in texts:
        plain, parsed = model.ids(text, False), model.ids(text, True)
        lines.append(json.dumps([text, plain, None if parsed == plain else parsed], ensure_ascii=False, separators=(",", ":")))
    body = io.BytesIO()
    with gzip.GzipFile(fileobj=body, mode="wb", compresslevel=9, mtime=0) as packed:
        packed.write("\n".join(lines).encode() + b"\n")
    with open(args.out, "wb") as out:
        out.write(body.getvalue())
    print(f"{args.out}: {len(texts)} texts, {len(body.getvalue())} bytes, {model.size} tokens")


if __name__ == "__main__":
    main()
