package io.baton.bench.client;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.databind.ObjectMapper;

/**
 * One streamed request on a socket of its own, so that it can be dropped as a client drops it that
 * dies: the socket closes, nothing is said. One thread.
 */
public final class DroppableStream implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int CONNECT_MILLIS = 5_000;
    private static final int READ_MILLIS = 60_000;

    private final Socket socket;
    private final BufferedReader answer;

    private DroppableStream(Socket socket) throws IOException {
        this.socket = socket;
        this.answer =
                new BufferedReader(
                        new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
    }

    /**
     * Sends a request with {@code stream: true}.
     *
     * @param base base URL without {@code /v1}
     * @param path such as {@code /v1/completions}
     * @param body the request's fields
     */
    public static DroppableStream open(URI base, String path, Map<String, ?> body)
            throws IOException {
        Map<String, Object> fields = new LinkedHashMap<>(body);
        fields.put("stream", true);
        byte[] json = JSON.writeValueAsBytes(fields);
        String head =
                "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                        .formatted(path, base.getAuthority(), json.length);
        Socket socket = new Socket();
        try {
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(READ_MILLIS);
            socket.connect(new InetSocketAddress(base.getHost(), base.getPort()), CONNECT_MILLIS);
            OutputStream out = socket.getOutputStream();
            out.write(head.getBytes(StandardCharsets.US_ASCII));
            out.write(json);
            out.flush();
            return new DroppableStream(socket);
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    /** Reads until so many more events have come. */
    public void awaitEvents(int count) throws IOException {
        for (int i = 0; i < count; ) {
            String line = answer.readLine();
            if (line == null) {
                throw new IOException("the stream ended before its time");
            }
            if (line.startsWith("data: {\"error\"") || line.startsWith("HTTP/1.1 4")) {
                throw new IOException("the server refused: " + line);
            }
            if (line.startsWith("data: {")) {
                i++;
            }
        }
    }

    /** Closes the socket without a word. */
    @Override
    public void close() throws IOException {
        socket.close();
    }
}
