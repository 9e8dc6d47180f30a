package io.baton.deploy.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** Rooms without a logging library log through the platform's: it must come out in one form. */
class LoggingTest {
    @Test
    void thePlatformsLoggerSpeaksThroughOurs() {
        String name = "io.baton.deploy.cli.LoggingTest.sample";
        Logger ours = (Logger) LoggerFactory.getLogger(name);
        ListAppender<ILoggingEvent> heard = new ListAppender<>();
        heard.start();
        ours.addAppender(heard);
        ours.setAdditive(false);
        System.getLogger(name).log(System.Logger.Level.WARNING, "a word of the platform");
        assertEquals(
                List.of("a word of the platform"),
                heard.list.stream().map(ILoggingEvent::getFormattedMessage).toList());
    }
}
