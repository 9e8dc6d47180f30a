package io.baton.common.model;

import io.baton.common.time.Ticker;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The model hub over HTTP: which files a repository has, and a file's bytes, continued where an
 * earlier attempt stopped. Redirects are followed here, so that the token goes to the hub's own
 * host alone. One pull at a time.
 */
final class HubClient implements AutoCloseable {
    static final String DEFAULT_ENDPOINT = "https://huggingface.co";
    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(5);
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(20);
    private static final int MAX_REDIRECTS = 5;
    private static final int MAX_LISTING_BYTES = 8 << 20;
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    /**
     * What the hub says of a file.
     *
     * @param sha256 empty where the hub does not say
     */
    record FileFacts(long bytes, String sha256) {}

    private final URI endpoint;
    private final Optional<String> token;
    private final Ticker ticker;
    private final Duration stallLimit;
    private final HttpClient client;

    /**
     * @param endpoint base address of the hub
     * @param token for repositories that ask for one
     * @param stallLimit a download without a byte for so long has failed
     */
    HubClient(String endpoint, Optional<String> token, Ticker ticker, Duration stallLimit) {
        this.endpoint = URI.create(endpoint.replaceFirst("/+$", ""));
        this.token = token;
        this.ticker = ticker;
        this.stallLimit = stallLimit;
        this.client =
                HttpClient.newBuilder()
                        .connectTimeout(CONNECT_LIMIT)
                        .followRedirects(HttpClient.Redirect.NEVER)
                        .build();
    }

    /** The GGUF files of a repository. */
    List<String> ggufFiles(String repository) throws PullFailed, InterruptedException {
        URI uri = URI.create(endpoint + "/api/models/" + repository);
        HttpResponse<byte[]> response =
                exchange(request(uri).build(), info -> limited(MAX_LISTING_BYTES));
        requireOk(response, uri);
        try {
            List<String> files = new ArrayList<>();
            for (JsonNode sibling :
                    JsonMapper.shared().readTree(response.body()).path("siblings")) {
                String name = sibling.path("rfilename").asString("");
                if (name.endsWith(".gguf")) {
                    files.add(name);
                }
            }
            return List.copyOf(files);
        } catch (JacksonException e) {
            throw new PullFailed("the hub's list of files is not JSON", e);
        }
    }

    /** Size and SHA-256 of a file, as the hub states them. */
    FileFacts facts(String repository, String revision, String file)
            throws PullFailed, InterruptedException {
        URI uri = fileUri(repository, revision, file);
        Optional<String> sha256 = Optional.empty();
        Optional<Long> bytes = Optional.empty();
        for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
            HttpRequest head =
                    request(uri).method("HEAD", HttpRequest.BodyPublishers.noBody()).build();
            HttpResponse<Void> response = exchange(head, BodyHandlers.discarding());
            sha256 = sha256.or(() -> header(response, "x-linked-etag").map(HubClient::unquoted));
            bytes = bytes.or(() -> header(response, "x-linked-size").map(Long::parseLong));
            if (!isRedirect(response)) {
                requireOk(response, uri);
                bytes = bytes.or(() -> header(response, "content-length").map(Long::parseLong));
                break;
            }
            uri = redirect(response, uri);
        }
        if (bytes.isEmpty()) {
            throw new PullFailed("the hub does not say how large %s is".formatted(file));
        }
        return new FileFacts(
                bytes.get(), sha256.filter(text -> SHA256.matcher(text).matches()).orElse(""));
    }

    /** Appends the rest of a file to {@code part}. */
    void download(
            String repository,
            String revision,
            String file,
            VerifiedPart part,
            PullListener listener)
            throws PullFailed, InterruptedException, IOException {
        FileFacts facts = facts(repository, revision, file);
        if (part.bytes() == facts.bytes()) {
            return;
        }
        URI uri = fileUri(repository, revision, file);
        for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
            HttpRequest.Builder request = request(uri);
            if (part.bytes() > 0) {
                request.header("Range", "bytes=%d-".formatted(part.bytes()));
            }
            HttpResponse<Void> response = stream(request.build(), part, facts.bytes(), listener);
            if (!isRedirect(response)) {
                requireOk(response, uri);
                return;
            }
            uri = redirect(response, uri);
        }
        throw new PullFailed("more than %d redirects".formatted(MAX_REDIRECTS));
    }

    private HttpResponse<Void> stream(
            HttpRequest request, VerifiedPart part, long total, PullListener listener)
            throws PullFailed, InterruptedException {
        Appender appender = new Appender(part, total, ticker, listener);
        CompletableFuture<HttpResponse<Void>> answer =
                client.sendAsync(
                        request,
                        info ->
                                switch (info.statusCode()) {
                                    case 200, 206 -> {
                                        appender.begin(info);
                                        yield BodySubscribers.ofByteArrayConsumer(appender);
                                    }
                                    default -> BodySubscribers.discarding();
                                });
        try {
            while (true) {
                try {
                    HttpResponse<Void> response = answer.get(200, TimeUnit.MILLISECONDS);
                    appender.rethrow();
                    return response;
                } catch (TimeoutException e) {
                    appender.rethrow();
                    if (appender.silentNanos() > stallLimit.toNanos()) {
                        throw new PullFailed(
                                "no byte came for %d s".formatted(stallLimit.toSeconds()), e);
                    }
                }
            }
        } catch (ExecutionException e) {
            throw unreachable(request.uri(), e.getCause() == null ? e : e.getCause());
        } finally {
            answer.cancel(true);
        }
    }

    /**
     * Writes a body's pieces to the part, on the client's threads. The first fault is kept for the
     * waiting thread, since the client does not promise to report what a consumer throws.
     */
    private static final class Appender implements Consumer<Optional<byte[]>> {
        private final VerifiedPart part;
        private final long total;
        private final Ticker ticker;
        private final PullListener listener;
        private final AtomicLong lastByteNanos;
        private final AtomicReference<@Nullable IOException> fault = new AtomicReference<>();

        Appender(VerifiedPart part, long total, Ticker ticker, PullListener listener) {
            this.part = part;
            this.total = total;
            this.ticker = ticker;
            this.listener = listener;
            this.lastByteNanos = new AtomicLong(ticker.nanos());
        }

        void begin(HttpResponse.ResponseInfo info) {
            try {
                String range = info.headers().firstValue("content-range").orElse("no range");
                if (info.statusCode() != 206) {
                    part.restart();
                } else if (!range.startsWith("bytes " + part.bytes() + "-")) {
                    throw new IOException(
                            "bytes from %d were asked for, '%s' came"
                                    .formatted(part.bytes(), range));
                }
            } catch (IOException e) {
                fault.set(e);
            }
        }

        @Override
        public void accept(Optional<byte[]> piece) {
            if (piece.isEmpty() || fault.get() != null) {
                return;
            }
            try {
                part.write(piece.get(), piece.get().length);
                lastByteNanos.set(ticker.nanos());
                listener.progress(part.bytes(), total);
            } catch (IOException e) {
                fault.set(e);
            }
        }

        long silentNanos() {
            return ticker.nanos() - lastByteNanos.get();
        }

        void rethrow() throws PullFailed {
            IOException first = fault.get();
            if (first != null) {
                throw new PullFailed(String.valueOf(first.getMessage()), first);
            }
        }
    }

    private <T> HttpResponse<T> exchange(HttpRequest request, BodyHandler<T> handler)
            throws PullFailed, InterruptedException {
        try {
            return client.send(request, handler);
        } catch (IOException e) {
            throw unreachable(request.uri(), e);
        }
    }

    private HttpRequest.Builder request(URI uri) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(uri).timeout(ANSWER_LIMIT).header("User-Agent", "baton");
        if (endpoint.getAuthority().equals(uri.getAuthority())) {
            token.ifPresent(secret -> request.header("Authorization", "Bearer " + secret));
        }
        return request;
    }

    private URI fileUri(String repository, String revision, String file) {
        return URI.create("%s/%s/resolve/%s/%s".formatted(endpoint, repository, revision, file));
    }

    private static URI redirect(HttpResponse<?> response, URI from) throws PullFailed {
        Optional<String> location = header(response, "location");
        if (location.isEmpty()) {
            throw new PullFailed("%s redirects to nowhere".formatted(from.getHost()));
        }
        try {
            URI to = from.resolve(location.get());
            if ("https".equals(from.getScheme()) && !"https".equals(to.getScheme())) {
                throw new PullFailed("%s redirects away from https".formatted(from.getHost()));
            }
            return to;
        } catch (IllegalArgumentException e) {
            throw new PullFailed("%s redirects to a bad address".formatted(from.getHost()), e);
        }
    }

    private static boolean isRedirect(HttpResponse<?> response) {
        return switch (response.statusCode()) {
            case 301, 302, 303, 307, 308 -> true;
            default -> false;
        };
    }

    private static void requireOk(HttpResponse<?> response, URI uri) throws PullFailed {
        int status = response.statusCode();
        if (status == 200 || status == 206) {
            return;
        }
        String hint =
                switch (status) {
                    case 401, 403 -> "; set HF_TOKEN to a token that may read it";
                    case 404 -> "; check the name";
                    default -> "";
                };
        throw new PullFailed("%s answered %d%s".formatted(uri.getHost(), status, hint));
    }

    private static Optional<String> header(HttpResponse<?> response, String name) {
        return response.headers().firstValue(name);
    }

    private static String unquoted(String etag) {
        return etag.replace("\"", "");
    }

    private static HttpResponse.BodySubscriber<byte[]> limited(int bytes) {
        return BodySubscribers.limiting(BodySubscribers.ofByteArray(), bytes);
    }

    private static PullFailed unreachable(URI uri, Throwable cause) {
        if (cause instanceof ConnectException || cause instanceof HttpConnectTimeoutException) {
            return new PullFailed(
                    "%s cannot be reached (limit %d s)"
                            .formatted(uri.getHost(), CONNECT_LIMIT.toSeconds()),
                    cause);
        }
        @Nullable String message = cause.getMessage();
        return new PullFailed(
                "%s: %s%s"
                        .formatted(
                                uri.getHost(),
                                cause.getClass().getSimpleName(),
                                message == null ? "" : " " + message),
                cause);
    }

    /** The part of an earlier attempt at the same bytes; bytes without a digest start anew. */
    static Path partOf(Path place, String sha256) throws IOException {
        Path part =
                place.resolveSibling(
                        place.getFileName()
                                + "."
                                + (sha256.isEmpty() ? "unknown" : sha256.substring(0, 12))
                                + ".part");
        if (sha256.isEmpty()) {
            Files.deleteIfExists(part);
        }
        return part;
    }

    @Override
    public void close() {
        client.shutdownNow();
    }
}
