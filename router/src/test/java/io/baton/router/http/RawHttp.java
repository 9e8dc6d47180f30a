package io.baton.router.http;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.charset.StandardCharsets;

/** A client that sends exactly the bytes it is told to. */
final class RawHttp implements AutoCloseable {
    private static final int TIMEOUT_MILLIS = 20_000;

    private final Socket socket;

    RawHttp(URI server) throws IOException {
        socket = new Socket(server.getHost(), server.getPort());
        socket.setSoTimeout(TIMEOUT_MILLIS);
        socket.setTcpNoDelay(true);
    }

    RawHttp send(String text) throws IOException {
        return send(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    RawHttp send(byte[] bytes) throws IOException {
        try {
            socket.getOutputStream().write(bytes);
            socket.getOutputStream().flush();
        } catch (SocketException e) {
            // The server has closed already; what it said is what the test looks at.
            return this;
        }
        return this;
    }

    /** Reads until {@code mark} has come or the server closes. */
    String readUntil(String mark) throws IOException {
        InputStream in = socket.getInputStream();
        ByteArrayOutputStream read = new ByteArrayOutputStream();
        while (true) {
            int b;
            try {
                b = in.read();
            } catch (SocketTimeoutException e) {
                throw new AssertionError("no more came after: " + read, e);
            } catch (SocketException e) {
                return read.toString(StandardCharsets.UTF_8);
            }
            if (b < 0) {
                return read.toString(StandardCharsets.UTF_8);
            }
            read.write(b);
            String text = read.toString(StandardCharsets.ISO_8859_1);
            if (b == mark.charAt(mark.length() - 1) && text.endsWith(mark)) {
                return read.toString(StandardCharsets.UTF_8);
            }
        }
    }

    /** Reads until the server closes. */
    String readAll() throws IOException {
        return readUntil("\0never\0");
    }

    static String post(String path, String body, String... headers) {
        StringBuilder request =
                new StringBuilder("POST " + path + " HTTP/1.1\r\nHost: localhost\r\n");
        for (String header : headers) {
            request.append(header).append("\r\n");
        }
        return request.append("\r\n").append(body).toString();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
