package io.baton.common.checkpoint;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.json.JsonMapper;

/**
 * Bytes and JSON of a folder's files, bounded: no file beyond its limit, no name twice, nothing
 * after the document.
 */
final class CheckpointJson {
    private static final int MAX_DEPTH = 64;
    private static final int MAX_REASON = 200;
    private static final JsonMapper MAPPER =
            JsonMapper.builder(
                            JsonFactory.builder()
                                    .streamReadConstraints(
                                            StreamReadConstraints.builder()
                                                    .maxNestingDepth(MAX_DEPTH)
                                                    .maxTokenCount(1L << 25)
                                                    .maxNameLength(1 << 16)
                                                    .maxStringLength(1 << 24)
                                                    .build())
                                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                                    .build())
                    .disable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build();

    private static final ObjectReader WHOLE =
            MAPPER.readerFor(JsonNode.class).with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private CheckpointJson() {}

    /** The bytes of a file that may be missing. */
    static Optional<byte[]> find(Path file, int maxBytes) {
        return Files.isRegularFile(file) ? Optional.of(read(file, maxBytes)) : Optional.empty();
    }

    /** The bytes of a file that must be there. */
    static byte[] read(Path file, int maxBytes) {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(maxBytes + 1);
            if (bytes.length > maxBytes) {
                throw invalid(file.toString(), "it is longer than %d bytes".formatted(maxBytes));
            }
            return bytes;
        } catch (IOException e) {
            throw new BatonException(
                    ErrorCode.MODEL_FILE_INVALID,
                    "%s cannot be read: %s. Check that it is there and readable."
                            .formatted(file, e),
                    null,
                    e);
        }
    }

    /** The one JSON object of a document. */
    static JsonNode object(String source, byte[] bytes) {
        try {
            JsonNode root = WHOLE.readTree(utf8(source, bytes));
            if (!root.isObject()) {
                throw invalid(source, "it is not one JSON object");
            }
            return root;
        } catch (JacksonException e) {
            throw notJson(source, e);
        }
    }

    /** A parser of a document whose tree would be too large; its faults are {@link #notJson}. */
    static JsonParser parser(String source, byte[] bytes) {
        return MAPPER.createParser(utf8(source, bytes));
    }

    /** The value at the parser's place. */
    static JsonNode value(JsonParser parser) {
        return MAPPER.readTree(parser);
    }

    private static String utf8(String source, byte[] bytes) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw invalid(source, "it is not UTF-8");
        }
    }

    static BatonException notJson(String source, JacksonException e) {
        String reason = e.getOriginalMessage().replaceAll("\\p{Cntrl}", " ");
        return new BatonException(
                ErrorCode.MODEL_FILE_INVALID,
                "%s is not valid JSON: %s."
                        .formatted(
                                source, reason.substring(0, Math.min(MAX_REASON, reason.length()))),
                null,
                e);
    }

    static BatonException invalid(String source, String what) {
        return new BatonException(ErrorCode.MODEL_FILE_INVALID, "%s: %s.".formatted(source, what));
    }

    /** A name in a message: bounded, without control characters. */
    static String quote(String name) {
        String printable = name.replaceAll("\\p{Cntrl}", "?");
        return "'"
                + (printable.length() > 80 ? printable.substring(0, 80) + "..." : printable)
                + "'";
    }
}
