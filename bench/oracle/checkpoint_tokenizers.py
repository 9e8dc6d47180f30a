"""Makes the golden file of checkpoint tokenizers: small ones of every published kind, trained here, and the ids that
transformers' tokenizers library gives.

    python checkpoint_tokenizers.py --out ../../common/src/test/resources/golden/checkpoint-tokenizers.json.gz

Each case: tokenizer.json as text, and pairs of text and ids (special tokens in the text are recognised, none are
added) and once with what the post-processor adds. Needs tokenizers.
"""

import argparse
import gzip
import json
import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + REST
QWEN2 = CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + REST
UPPER, LOWER = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}", r"\p{Ll}\p{Lm}\p{Lo}\p{M}"
CASED = (r"[^\r\n\p{L}\p{N}]?[" + UPPER + "]*[" + LOWER + r"]+%s|[^\r\n\p{L}\p{N}]?[" + UPPER + "]+[" + LOWER + "]*%s")
CASED_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEKKEN = CASED % ("", "") + r"|\p{N}" + CASED_REST
GPT4O = CASED % (CONTRACTION + "?", CONTRACTION + "?") + r"|\p{N}{1,3}" + CASED_REST

LINES = [
    "The quick brown fox jumps over the lazy dog.", "  Leading, and  double  spaces ", "tabs\tand\nnew lines\r\n\r\nhere",
    "I'm sure they'll say we've won, isn't it? IT'S 1234567 or 3.14159!", "HTTPServer parseXMLFile camelCase snake_case",
    "Grüße aus Köln, naïve café — déjà vu", "Cafe\u0301 de\u0301ja\u0300 vu A\u030angstro\u0308m", "Привет, мир! Это тест.",
    "日本語のテキストと漢字。中文句子，没有空格。", "한국어 문장입니다", "नमस्ते दुनिया, यह परीक्षण है", "مرحبا بالعالم ١٢٣", "שלום עולם",
    "emoji 👩‍👩‍👧‍👦 🇩🇪 🤷🏽‍♂️ end", "x = [i**2 for i in range(10) if i % 2 == 0]  # squares", "{\"key\": [1, 2.5e-3, null, true]}",
    "https://example.org/a/b?c=d&e=%20f#g", "a\u00a0b\u2003c\u3000d\u200be", "🙂" * 5 + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "\u2581 is the metaspace, \u2581\u2581 twice", "DŽungla ǅ ŉ ſharp ﬁ ligature Ⅷ ½ ², ₃", "\x00\x01\x7f control \ufeff bom", "   ", "\n\n\n", " ",
    "one\n\n\ntwo\n three \n  four", "1 22 333 4444 55555", "/usr/bin/env -- //comment /* x */\n/next", "ΑΒΓ αβγ Ωmega", "it’s ‘quoted’ “text”…",
    "<|user|>  \n Hello there<|end|>\n<|assistant|> \t Hi<|end|>", "<s>[INST] What? [/INST]</s> end", "a<s> b <pad>c<|im_end|>\n",
    "<start_of_turn>user\nHi\n\n\nthere<end_of_turn>", "\n\n", "tail  ", "'S 'LL 'ſ don'T", "e\u0301" * 20, "\u1100\u1161\u11a8 jamo",
]
ALPHABETS = ["abcdefghijklmnopqrstuvwxyz  ", "ABCDefgh'`- \n", "0123456789 .,", "äöüßéàçñ ", "абвгдежз ", "日本語中文字漢 ", "!?#$%&*+-/=<>@[]{}|~^ ",
             "\t\n\r  \u00a0\u2003", "🙂🙃🎉👍🏽\u200d ", "\u0301\u0308\u0323aeo "]


def texts():
    draw = random.Random(7)
    out = list(LINES)
    for _ in range(80):
        parts = []
        for _ in range(draw.randint(1, 5)):
            alphabet = draw.choice(ALPHABETS)
            parts.append("".join(draw.choice(alphabet) for _ in range(draw.randint(1, 14))))
        out.append(draw.choice(["", " "]).join(parts))
    return out


def corpus():
    # No tag: a text that is known to end a turn is a control token to Baton, whoever learnt it.
    return [line for line in LINES * 3 + texts() if "|" not in line and "<s" not in line]


def special(*names, **options):
    return [AddedToken(name, special=True, normalized=False, **options) for name in names]


def byte_level(pre, normalizer=None, bos=None, ignore_merges=False, vocab=560):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(corpus(), trainers.BpeTrainer(
        vocab_size=vocab, special_tokens=["<s>", "<pad>", "<|im_end|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    steps = [processors.ByteLevel(trim_offsets=False)]
    if bos:
        steps.append(processors.TemplateProcessing(single=f"{bos} $A", special_tokens=[(bos, tokenizer.token_to_id(bos))]))
    tokenizer.post_processor = processors.Sequence(steps) if len(steps) > 1 else steps[0]
    tokenizer.add_tokens([AddedToken("<tool>", special=False, normalized=False)])
    return tokenizer


def split(regex):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(regex), "isolated"),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def characters(normalizer, pre, extra=(), bos="<s>", vocab=620):
    """SentencePiece's kind: byte tokens are ordinary vocabulary, so they leave the list of added tokens again."""
    names = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    # Words, so that merges are learnt; the tokenizer itself splits as it is told.
    tokenizer.pre_tokenizer = (pre_tokenizers.Metaspace("\u2581", "never", split=True) if normalizer is None
                               else pre_tokenizers.Split(Regex(r"\u2581[^\u2581]*|\n+"), "isolated"))
    tokenizer.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=vocab, special_tokens=names, show_progress=False,
                                                                limit_alphabet=150))
    data = json.loads(tokenizer.to_str())
    data["added_tokens"] = [token for token in data["added_tokens"] if token["id"] < 3]
    data["pre_tokenizer"] = None
    tokenizer = Tokenizer.from_str(json.dumps(data))
    if pre is not None:
        tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(single=f"{bos} $A", special_tokens=[(bos, 1)])
    tokenizer.add_special_tokens([token for token in extra if token.special])
    tokenizer.add_tokens([token for token in extra if not token.special])
    return tokenizer


def cases():
    spaces = normalizers.Replace(" ", "\u2581")
    llama = normalizers.Sequence([normalizers.Prepend("\u2581"), spaces])
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    yield "gpt2", byte_level(level)
    yield "smollm", byte_level(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), level]))
    yield "llama3", byte_level(split(LLAMA3), bos="<s>", ignore_merges=True)
    yield "qwen2", byte_level(split(QWEN2), normalizer=normalizers.NFC())
    yield "tekken", byte_level(split(TEKKEN), bos="<s>", ignore_merges=True)
    yield "gpt-4o", byte_level(split(GPT4O))
    yield "llama2", characters(llama, None)
    yield "phi3", characters(llama, None, bos=None, extra=special("<|user|>", "<|assistant|>", "<|end|>", rstrip=True))
    lines = [AddedToken("\n" * n, special=False, normalized=False) for n in (2, 3)]
    yield "gemma", characters(spaces, pre_tokenizers.Split(" ", "merged_with_previous"),
                              extra=special("<start_of_turn>", "<end_of_turn>") + lines)
    yield "metaspace-first", characters(None, pre_tokenizers.Metaspace("\u2581", "first", split=False))
    yield "metaspace-always", characters(None, pre_tokenizers.Metaspace("\u2581", "always", split=False), bos=None)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    result = []
    for name, tokenizer in cases():
        pairs = [[text, tokenizer.encode(text, add_special_tokens=False).ids] for text in texts()]
        print(name, tokenizer.get_vocab_size(), sum(len(ids) for _, ids in pairs))
        result.append({"name": name, "tokenizer": tokenizer.to_str(), "pairs": pairs,
                       "added": tokenizer.encode("Hello", add_special_tokens=True).ids})
    with open(options.out, "wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as out:
        out.write(json.dumps({"cases": result}).encode())


if __name__ == "__main__":
    main()
