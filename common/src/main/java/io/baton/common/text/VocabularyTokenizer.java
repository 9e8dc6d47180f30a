package io.baton.common.text;

import java.util.List;
import java.util.OptionalInt;

/** A tokenizer made of a vocabulary, its special tokens and an encoder for the text between. */
final class VocabularyTokenizer implements Tokenizer {
    private final Vocabulary vocabulary;
    private final SpecialTokens specials;
    private final FragmentEncoder encoder;
    private final boolean addsSpacePrefix;

    VocabularyTokenizer(Vocabulary vocabulary, FragmentEncoder encoder, boolean addsSpacePrefix) {
        this.vocabulary = vocabulary;
        this.specials = new SpecialTokens(vocabulary);
        this.encoder = encoder;
        this.addsSpacePrefix = addsSpacePrefix;
    }

    @Override
    public int vocabSize() {
        return vocabulary.size();
    }

    @Override
    public int[] encode(PromptText prompt, boolean addSpecial) {
        String text = prompt.text();
        Utf8.requireEncodable(text);
        Vocabulary.Marks marks = vocabulary.marks();
        TokenList out = new TokenList(text.length() / 3 + 8);
        if (addSpecial && marks.addsBos()) {
            marks.bos().ifPresent(out::add);
        }
        FragmentEncoder.Session session = encoder.start(text);
        List<SpecialTokens.Span> spans = specials.find(prompt);
        int done = 0;
        boolean afterSpecial = true;
        for (SpecialTokens.Span span : spans) {
            if (span.from() > done) {
                session.encode(done, span.from(), afterSpecial, out);
            }
            out.add(span.token());
            afterSpecial = true;
            done = span.end();
        }
        if (done < text.length()) {
            session.encode(done, text.length(), afterSpecial, out);
        }
        if (addSpecial && marks.addsEos()) {
            marks.eos().ifPresent(out::add);
        }
        return out.toArray();
    }

    @Override
    public byte[] bytes(int token) {
        return vocabulary.bytes().of(token);
    }

    @Override
    public boolean isControl(int token) {
        return vocabulary.isControl(token);
    }

    @Override
    public boolean isEndOfGeneration(int token) {
        return vocabulary.marks().endOfGeneration().get(token);
    }

    @Override
    public OptionalInt bos() {
        return vocabulary.marks().bos();
    }

    @Override
    public OptionalInt eos() {
        return vocabulary.marks().eos();
    }

    @Override
    public boolean addsBos() {
        return vocabulary.marks().addsBos();
    }

    @Override
    public boolean addsSpacePrefix() {
        return addsSpacePrefix;
    }

    @Override
    public String name(int token) {
        return vocabulary.table().spelling(token);
    }
}
