package io.baton.common.config;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;

/** Secrets that stand in files: {@code @path} is replaced by the file's lines. */
final class Secrets {
    private static final int MAX_BYTES = 64 << 10;

    private Secrets() {}

    /** The text, or the lines of the file that it names, joined by commas. */
    static String resolve(Setting<?> setting, String text) {
        if (!text.startsWith("@")) {
            return text;
        }
        String path = text.substring(1);
        try (InputStream in = Files.newInputStream(Path.of(path))) {
            byte[] bytes = in.readNBytes(MAX_BYTES + 1);
            if (bytes.length > MAX_BYTES) {
                throw unreadable(setting, path, "it has more than 64 KiB", null);
            }
            List<String> lines =
                    new String(bytes, StandardCharsets.UTF_8)
                            .lines()
                            .map(String::strip)
                            .filter(line -> !line.isEmpty())
                            .toList();
            if (lines.isEmpty()) {
                throw unreadable(setting, path, "it is empty", null);
            }
            return String.join(",", lines);
        } catch (IOException | InvalidPathException e) {
            throw unreadable(setting, path, String.valueOf(e), e);
        }
    }

    private static BatonException unreadable(
            Setting<?> setting,
            String path,
            String why,
            @org.jspecify.annotations.Nullable Throwable cause) {
        return new BatonException(
                ErrorCode.CONFIGURATION,
                "%s is to be read from the file %s, which cannot be used: %s."
                        .formatted(setting.key(), path, why),
                setting.key(),
                cause);
    }
}
