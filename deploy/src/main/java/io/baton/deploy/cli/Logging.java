package io.baton.deploy.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.JsonEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import io.baton.common.config.Configuration;
import io.baton.common.config.DiagnosticSettings;
import org.slf4j.LoggerFactory;

/** Sets level and form of the log, which goes to stderr. */
final class Logging {
    private Logging() {}

    static void configure(Configuration configuration) {
        level(configuration.get(DiagnosticSettings.LOG_LEVEL));
        if (configuration.get(DiagnosticSettings.LOG_FORMAT).equals("json")
                && LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
            JsonEncoder encoder = new JsonEncoder();
            encoder.setContext(context);
            encoder.setWithFormattedMessage(true);
            encoder.start();
            ConsoleAppender<ILoggingEvent> appender = new ConsoleAppender<>();
            appender.setContext(context);
            appender.setTarget("System.err");
            appender.setEncoder(encoder);
            appender.start();
            root.detachAndStopAllAppenders();
            root.addAppender(appender);
        }
    }

    /** Sets the level of Baton's own log. */
    static void level(String level) {
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            context.getLogger("io.baton").setLevel(Level.toLevel(level));
        }
    }
}
