package io.baton.common.worker;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.model.Sha256;
import java.nio.charset.StandardCharsets;

/**
 * What a router needs to speak a model's language: its GGUF metadata (tokenizer) without tensors,
 * and the chat template. Immutable; the array is never written.
 *
 * @param gguf a valid GGUF file with no tensors
 * @param chatTemplate source of the template; empty for none
 */
public record ModelText(byte[] gguf, String chatTemplate) {
    /** Most bytes of metadata: the largest vocabularies need about 20 MiB. */
    public static final int MAX_GGUF_BYTES = 64 << 20;

    /** Most UTF-16 units of a template. */
    public static final int MAX_TEMPLATE_CHARACTERS = 1 << 20;

    public ModelText {
        if (gguf.length > MAX_GGUF_BYTES || chatTemplate.length() > MAX_TEMPLATE_CHARACTERS) {
            throw new BatonException(
                    ErrorCode.MODEL_FILE_INVALID,
                    "the model's metadata has %d bytes and its template %d characters; at most %d and %d are served"
                            .formatted(
                                    gguf.length,
                                    chatTemplate.length(),
                                    MAX_GGUF_BYTES,
                                    MAX_TEMPLATE_CHARACTERS));
        }
    }

    /**
     * {@code ModelCard.text_fingerprint}: SHA-256 over the metadata and the template in UTF-8, each
     * after its length (8 bytes, little-endian); 64 hex characters.
     */
    public String fingerprint() {
        return Sha256.hexOfParts(gguf, chatTemplate.getBytes(StandardCharsets.UTF_8));
    }
}
