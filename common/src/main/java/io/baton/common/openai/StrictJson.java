package io.baton.common.openai;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads one JSON object from hostile bytes: UTF-8 without byte order mark, no duplicate names, no
 * comments, nothing after the object, no half characters, no numbers beyond float64, and bounds on
 * depth, tokens, names, numbers and strings.
 */
public final class StrictJson {
    /** Deepest nesting of objects and arrays. */
    public static final int MAX_DEPTH = 64;

    /** Most characters of one number. */
    public static final int MAX_NUMBER_CHARACTERS = 64;

    /** Most JSON tokens (names, values, brackets) of one document. */
    public static final int MAX_TOKENS = 2_000_000;

    private static final int MAX_NAME_CHARACTERS = 1024;
    private static final int MAX_STRING_CHARACTERS = 64 << 20;
    private static final int MAX_REASON_CHARACTERS = 200;

    private static final JsonMapper MAPPER =
            JsonMapper.builder(
                            JsonFactory.builder()
                                    .streamReadConstraints(
                                            StreamReadConstraints.builder()
                                                    .maxNestingDepth(MAX_DEPTH)
                                                    .maxNumberLength(MAX_NUMBER_CHARACTERS)
                                                    .maxTokenCount(MAX_TOKENS)
                                                    .maxNameLength(MAX_NAME_CHARACTERS)
                                                    .maxStringLength(MAX_STRING_CHARACTERS)
                                                    .build())
                                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                                    .build())
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build();

    private StrictJson() {}

    /**
     * Parses a body.
     *
     * @throws BatonException INVALID_REQUEST saying what is wrong and where
     */
    public static ObjectNode parseObject(byte[] body) {
        if (body.length == 0) {
            throw bad("the body is empty; send a JSON object");
        }
        JsonNode root;
        try {
            root = MAPPER.readTree(decode(body));
        } catch (StreamConstraintsException e) {
            throw bad("the JSON is beyond a limit: " + reason(e));
        } catch (JacksonException e) {
            throw bad("the body is not valid JSON: " + reason(e));
        }
        if (!(root instanceof ObjectNode object)) {
            throw bad("the body must be one JSON object");
        }
        check(object);
        return object;
    }

    /** The mapper that writes JSON; it reads with the same limits. */
    static JsonMapper mapper() {
        return MAPPER;
    }

    private static String decode(byte[] body) {
        int first = body[0] & 0xff;
        int second = body.length > 1 ? body[1] & 0xff : 0;
        if (first == 0xef || first == 0xfe || first == 0xff || first == 0 || second == 0) {
            if (body.length > 1) {
                throw bad("the body must be UTF-8 without a byte order mark");
            }
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(ByteBuffer.wrap(body))
                    .toString();
        } catch (CharacterCodingException e) {
            throw bad("the body is not valid UTF-8");
        }
    }

    /** Depth is bounded by the parser, so recursion is. */
    private static void check(JsonNode node) {
        if (node.isString()) {
            checkText(node.stringValue());
        } else if (node.isFloatingPointNumber() && !Double.isFinite(node.doubleValue())) {
            throw bad("a number in the body is beyond the range of float64");
        } else if (node.isObject()) {
            for (Map.Entry<String, JsonNode> entry : node.properties()) {
                checkText(entry.getKey());
                check(entry.getValue());
            }
        } else if (node.isArray()) {
            for (JsonNode element : node) {
                check(element);
            }
        }
    }

    private static void checkText(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!Character.isSurrogate(c)) {
                continue;
            }
            boolean pair =
                    Character.isHighSurrogate(c)
                            && i + 1 < text.length()
                            && Character.isLowSurrogate(text.charAt(i + 1));
            if (!pair) {
                throw bad("a string in the body holds half a character (a lone surrogate)");
            }
            i++;
        }
    }

    private static String reason(JacksonException e) {
        String text = String.valueOf(e.getOriginalMessage());
        if (text.length() > MAX_REASON_CHARACTERS) {
            text = text.substring(0, MAX_REASON_CHARACTERS) + "...";
        }
        if (e.getLocation() == null) {
            return text;
        }
        return "%s (line %d, column %d)"
                .formatted(text, e.getLocation().getLineNr(), e.getLocation().getColumnNr());
    }

    private static BatonException bad(String message) {
        return new BatonException(ErrorCode.INVALID_REQUEST, message);
    }
}
